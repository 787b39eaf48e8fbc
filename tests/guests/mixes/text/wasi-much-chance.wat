;; Wants a million million random bytes.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $random-bytes (i64.const 1000000000000) (i32.const 128))
  (call $nothing))
