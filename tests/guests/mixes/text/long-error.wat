;; Gives up with a text of 100 MB, where it may have so much memory.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (local $text i32)
  (local.set $text (i32.mul (memory.grow (i32.const 1526)) (i32.const 65536)))
  (call $error (local.get $text) (i32.const 100000000)))
