;; Says that a thousand million picks lie behind the end of its memory.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $page (i32.const 0x3ffff8) (i32.const 1000000000) (i32.const 0) (i32.const 0)))
