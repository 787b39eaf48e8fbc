;; Gives up with a text that would do something to a terminal.
(data (i32.const 512) "red\1b[31m\07 and\0anext\00")
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $error (i32.const 512) (i32.const 19)))
