;; Puts bytes that are no UTF-8 into a note.
(data (i32.const 512) "note\ff\fe\c3")
(func $misdeed (type $mix) (param $request i32) (result i32)
  (call $page (i32.const 0) (i32.const 0) (call $notes (i32.const 4096) (i32.const 1) (i32.const 512) (i32.const 7)) (i32.const 1)))
