;; Leaves to chance which of the first hundred posts it picks.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (i64.store (i32.const 4096) (i64.rem_u (call $random) (i64.const 100)))
  (call $page (i32.const 4096) (i32.const 1) (i32.const 0) (i32.const 0)))
