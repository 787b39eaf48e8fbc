import type { Same } from '..'
import type { account as en } from '../en/account'

export const account: Same<typeof en> = {
  signIn: {
    title: 'サインイン',
    heading: '小さなコミュニティに、自分たちのフィードを',
    about:
      'Atrarium は、Bluesky で集まる人たちに居場所を作ります。メンバーがハッシュタグを付けて投稿すると 1 つのフィードに集まり、誰でもそのフィードをフォローできます。投稿もメンバーシップも、それぞれのアカウントに残ります。',
    about2: 'すでにお持ちのアカウントでサインインできます。新しい登録は要りません。',
    handle: 'ハンドル',
    handleHint: 'Bluesky と同じものです（例：alice.bsky.social）。',
    handleMissing: 'ハンドルを入力してください。',
    handleWrong: 'ハンドルにはドットが含まれます（例：alice.bsky.social）。',
    how: 'パスワードはあなたのサーバーで入力します。Atrarium に知られることはありません。',
    submit: 'サインイン',
    leaving: 'あなたのサーバーへ移動しています…',
    withPassword: 'アプリパスワードでサインインする',
    withServer: '自分のサーバーでサインインする',
    password: 'アプリパスワード',
    passwordHint:
      '1 つのプログラムだけに使うパスワードで、いつでも取り消せます。Bluesky の「設定」→「プライバシーとセキュリティ」で作れます。アカウント本来のパスワードをここで尋ねることはありません。',
    passwordMissing: 'アプリパスワードを入力してください。',
    passwordOdd: 'アプリパスワードはふつう xxxx-xxxx-xxxx-xxxx の形です。アカウント本来のパスワードの場合は、送信しないでください。',
    code: 'メールで届いたコード',
    codeHint: 'あなたのサーバーから、コードを書いたメールが届きます。',
    codeMissing: 'メールで届いたコードを入力してください。',
    wrong: 'このハンドルとアプリパスワードの組み合わせではサインインできません。',
    wrongCode: 'サインインできません。アプリパスワードとコードをもう一度確かめてください。',
    unknown: 'このハンドルのアカウントが見つかりません。入力の誤りがないか確かめてください。',
    off: 'ここではアプリパスワードによるサインインは使えません。',
  },
  visit: {
    title: 'これはデモです',
    text: 'コミュニティもメンバーも架空のものです。コミュニティのオーナーでありこのホストの運営者でもある 1 人として、中を見て回れます。書き込もうとしたものはどこにも届きません。',
    go: '見て回る',
  },
  title: 'セッション',
  hint: 'Atrarium にサインインしている場所の一覧です。覚えのないものや不要になったものは終了してください。',
  count_other: '{{count}} 件のセッション',
  current: 'このセッション',
  method: { oauth: '自分のサーバーでサインイン', password: 'アプリパスワードでサインイン', service: '自分のサーバーのトークン' },
  opened: '開始',
  used: '最終利用',
  on: '{{system}} の {{program}}',
  unnamed: '名前のないプログラム',
  end: '終了',
  endOf: 'セッションを終了：{{name}}',
  ended: 'セッションを終了しました',
  signOut: 'サインアウト',
  everywhere: {
    title: 'すべての端末からサインアウト',
    ask: 'すべての端末からサインアウトしますか？',
    askHint:
      'あなたとして Atrarium にサインインしているすべてのブラウザーとプログラムが、今使っているものも含めて、すぐにサインアウトされます。書き込んだものは残ります。',
    confirm: 'すべての端末からサインアウト',
  },
}
