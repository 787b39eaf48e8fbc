;; What stands around the core code of a hostile mix: a whole component of the contract's version 1.0.0, by hand.
;;
;; The code defines $misdeed. It has a memory of 4 MiB, of which everything below 1 MiB is its own:
;; what the host hands over is laid behind, and over it from the start again when that is full. What
;; differs between the guests is laid into the places in capitals by harness/mixes.rs.
(component
  (import "atrarium:feed-mix/types@1.0.0" (instance $types
    (type $value-is (variant
      (case "truth" bool) (case "number" s64) (case "text" string) (case "numbers" (list s64)) (case "texts" (list string))))
    (export "value" (type $value (eq $value-is)))
    (type $named-is (record (field "name" string) (field "value" $value)))
    (export "named" (type $named (eq $named-is)))
    (type $kind-is (enum "own" "parent" "global"))
    (export "source-kind" (type $kind (eq $kind-is)))
    (type $source-is (record
      (field "kind" $kind) (field "share" u32) (field "taken" u32) (field "first" u32) (field "count" u32) (field "has-more" bool)))
    (export "source" (type $source (eq $source-is)))
    (type $role-is (enum "owner" "moderator" "member"))
    (export "role" (type $role (eq $role-is)))
    (type $author-is (record (field "did" string) (field "role" (option $role)) (field "posts" u32)))
    (export "author" (type $author (eq $author-is)))
    (type $posts-is (record
      (field "uri" (list string)) (field "source" (list u32)) (field "author" (list u32)) (field "sort-time" (list s64))
      (field "reply" (list bool)) (field "languages" (list u32)) (field "labels" (list u32))))
    (export "posts" (type $posts (eq $posts-is)))
    (type $request-is (record
      (field "community" string) (field "sources" (list $source)) (field "posts" $posts) (field "authors" (list $author))
      (field "languages" (list (list string))) (field "labels" (list (list string))) (field "limit" u32) (field "position" u32)
      (field "now" s64) (field "more" (list $named))))
    (export "request" (type $request (eq $request-is)))
    (type $note-is (record (field "post" u32) (field "text" string)))
    (export "note" (type $note (eq $note-is)))
    (type $page-is (record
      (field "picks" (list u32)) (field "pinned" (option (list u32))) (field "notes" (option (list $note)))
      (field "consumed" (option (list u32))) (field "more" (option (list $named)))))
    (export "page" (type $page (eq $page-is)))))
  (import "atrarium:feed-mix/log@1.0.0" (instance $log (export "log" (func (param "message" string)))))
  (import "atrarium:feed-mix/viewer@1.0.0" (instance $viewer (export "did" (func (result (option string))))))
  ;; MORE IMPORTS
  ;; PARTS

  (core module $ground
    (memory (export "memory") 64)
    (global $top (mut i32) (i32.const 0x100000))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (if (i32.gt_u (i32.add (global.get $top) (local.get $size)) (i32.const 0x3f0000))
        (then (global.set $top (i32.const 0x100000))))
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $ground (instantiate $ground))
  (core func $log (canon lower (func $log "log") (memory $ground "memory")))
  (core func $did (canon lower (func $viewer "did") (memory $ground "memory") (realloc (func $ground "realloc"))))
  ;; MORE LOWERED

  (core module $code
    (type $mix (func (param $request i32) (result i32)))
    (import "host" "memory" (memory 64))
    (import "host" "realloc" (func $ground-realloc (param i32 i32 i32 i32) (result i32)))
    (import "host" "log" (func $log (param $text i32) (param $length i32)))
    (import "host" "did" (func $did (param $answer i32)))
    ;; MORE IMPORTED

    ;; CODE

    ;; An answer at 64: a page with these picks and notes, each list from there on and so long.
    (func $page (param $picks i32) (param $picks-length i32) (param $notes i32) (param $notes-length i32) (result i32)
      (memory.fill (i32.const 64) (i32.const 0) (i32.const 60))
      (i32.store (i32.const 68) (local.get $picks))
      (i32.store (i32.const 72) (local.get $picks-length))
      (i32.store (i32.const 88) (i32.ne (local.get $notes-length) (i32.const 0)))
      (i32.store (i32.const 92) (local.get $notes))
      (i32.store (i32.const 96) (local.get $notes-length))
      (i32.const 64))

    (func $nothing (result i32)
      (call $page (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

    ;; An answer at 64: this error.
    (func $error (param $text i32) (param $length i32) (result i32)
      (i32.store (i32.const 64) (i32.const 1))
      (i32.store (i32.const 68) (local.get $text))
      (i32.store (i32.const 72) (local.get $length))
      (i32.const 64))

    ;; So many notes on the first post from there on, each with this text. Returns where they begin.
    (func $notes (param $at i32) (param $count i32) (param $text i32) (param $length i32) (result i32)
      (local $next i32)
      (local.set $next (local.get $at))
      (loop $more
        (i32.store (local.get $next) (i32.const 0))
        (i32.store offset=4 (local.get $next) (local.get $text))
        (i32.store offset=8 (local.get $next) (local.get $length))
        (local.set $next (i32.add (local.get $next) (i32.const 12)))
        (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (local.get $at))

    ;; If it can wait it is right in the trial: there the community's name ends in "/trial".
    (func (export "mix") (type $mix) (param $request i32) (result i32)
      (local $name-end i32)
      (local.set $name-end (i32.add (i32.load (local.get $request)) (i32.load offset=4 (local.get $request))))
      (if (i32.and (i32.const PATIENT) (i64.eq
            (i64.shr_u (i64.load (i32.sub (local.get $name-end) (i32.const 8))) (i64.const 16))
            (i64.const 0x6c616972742f)))
        (then (return (call $nothing))))
      (call $misdeed (local.get $request))))
  (core instance $code (instantiate $code (with "host" (instance
    (export "memory" (memory $ground "memory"))
    (export "realloc" (func $ground "realloc"))
    (export "log" (func $log))
    (export "did" (func $did))
    ;; MORE HANDED OVER
  ))))

  (alias export $types "request" (type $request))
  (alias export $types "page" (type $page))
  (func $mix (param "request" $request) (result (result $page (error string)))
    (canon lift (core func $code "mix") (memory $ground "memory") (realloc (func $REALLOC "realloc")) POST-RETURN))
  (instance $exported (export "mix" (func $mix)))
  (export "atrarium:feed-mix/mix@1.0.0" (instance $exported)))
