;; Logs bytes that are no UTF-8.
(data (i32.const 512) "before\ff\fe\c3")
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $log (i32.const 512) (i32.const 9))
  (call $nothing))
