;; Answers with 50,000 notes of 2,000 bytes each: 100 MB.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (memory.fill (i32.const 4096) (i32.const 120) (i32.const 2000))
  (call $page (i32.const 0) (i32.const 0)
    (call $notes (i32.const 0x10000) (i32.const 50000) (i32.const 4096) (i32.const 2000)) (i32.const 50000)))
