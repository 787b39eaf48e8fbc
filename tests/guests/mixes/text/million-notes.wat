;; Writes a million notes of one letter on the first post.
(data (i32.const 512) "x")
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $page (i32.const 0) (i32.const 0)
    (call $notes (i32.mul (memory.grow (i32.const 184)) (i32.const 65536)) (i32.const 1000000) (i32.const 512) (i32.const 1))
    (i32.const 1000000)))
