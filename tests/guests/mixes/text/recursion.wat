;; Calls itself for ever, and the host from the bottom of each call.
(data (i32.const 512) "deeper")
(func $deeper (param $depth i64) (result i64)
  (call $log (i32.const 512) (i32.const 6))
  (i64.add (call $deeper (i64.add (local.get $depth) (i64.const 1))) (local.get $depth)))
(func $misdeed (type $mix) (param $request i32) (result i32)
  (drop (call $deeper (i64.const 0)))
  (unreachable))
