;; Gives up with bytes that are no UTF-8.
(data (i32.const 512) "sorry\ff\fe\c3")
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $error (i32.const 512) (i32.const 8)))
