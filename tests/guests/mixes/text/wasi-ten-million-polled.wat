;; Waits for ten million things at once.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $poll (i32.mul (memory.grow (i32.const 640)) (i32.const 65536)) (i32.const 10000000) (i32.const 128))
  (call $nothing))
