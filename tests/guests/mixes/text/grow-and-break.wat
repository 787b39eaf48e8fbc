;; Takes all the memory that it gets, and can't go on without more.
(func $misdeed (type $mix) (param $request i32) (result i32)
  (loop $more
    (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  (unreachable))
