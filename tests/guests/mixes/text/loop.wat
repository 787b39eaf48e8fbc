;; Computes for ever.
(func $misdeed (type $mix)
  (loop $for-ever (br $for-ever))
  (unreachable))
