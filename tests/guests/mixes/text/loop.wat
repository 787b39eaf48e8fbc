;; Computes for ever.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (loop $for-ever (br $for-ever))
  (unreachable))
