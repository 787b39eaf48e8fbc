;; Picks the first post a million times.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $page (i32.mul (memory.grow (i32.const 62)) (i32.const 65536)) (i32.const 1000000) (i32.const 0) (i32.const 0)))
