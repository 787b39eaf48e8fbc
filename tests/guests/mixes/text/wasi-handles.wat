;; Holds more and more things to wait for.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (loop $for-ever
    (drop (call $wait (i64.const 1000000)))
    (br $for-ever))
  (unreachable))
