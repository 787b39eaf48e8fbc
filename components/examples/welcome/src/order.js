// Fresh posts first, and a welcome pinned above them.
//
// Each post has a score: the share of where it comes from, halved with every HALF_LIFE since it was written; less if it is a reply,
// or not its author's first in this block. The highest score comes first. All scores fall at the same pace, so the order is the
// same a minute later.
//
// A post is a number here, as in the request: posts.author[7] is who wrote the post number 7.

// ---- What you may want to change ----

/**
 * The AT-URI of the post that greets whoever opens the feed, such as
 * 'at://did:plc:abc…/app.bsky.feed.post/3k…'. null: the newest post of the owner that answers nobody.
 */
const WELCOME = null;

/** After this many milliseconds a post counts half. */
const HALF_LIFE = 12 * 60 * 60 * 1000;

/** What a reply counts, where a post that answers nobody counts 1. */
const REPLY = 0.5;

/** What an author's next post counts beside the one before: the second 0.7, the third 0.49. */
const REPEAT = 0.7;

// -------------------------------------

/** The page for a request. `say` tells the community's owner something. */
export function order(request, say, welcome = WELCOME) {
  const greeting = request.position === 0 ? greetingOf(request, say, welcome) : null;
  const consumed = portions(request.sources);
  const rest = byScore(request, block(request.sources, consumed)).filter((post) => post !== greeting);
  if (greeting === null) return { picks: rest, consumed };
  return { picks: [greeting, ...rest], pinned: [greeting], consumed };
}

/** The post to be pinned, or null if there is none. */
function greetingOf({ sources, posts, authors }, say, welcome) {
  const { first, count } = sources.find(({ kind }) => kind === 'own') ?? { first: 0, count: 0 };
  const end = first + count;
  for (let post = first; post < end; post++) {
    if (posts.uri[post] === welcome) return post;
  }
  if (welcome !== null) {
    say(`The welcome post ${welcome} is not among the newest ${count} of the community: the owner's newest takes its place.`);
  }
  for (let post = first; post < end; post++) {
    if (!posts.reply[post] && authors[posts.author[post]].role === 'owner') return post;
  }
  return null;
}

/**
 * How many posts of each source this block takes: what the owner's shares give them, so that all that have more behind them run
 * out together. The rest come again with the next block.
 */
function portions(sources) {
  const going = sources.filter(({ hasMore, count }) => hasMore && count > 0);
  const each = Math.min(...going.map(({ count, share }) => count / share));
  return sources.map(({ count, share }) => Math.min(count, Math.ceil(each * share)));
}

/** So many posts of each source, newest first. */
function block(sources, portions) {
  return sources.flatMap(({ first }, source) => Array.from({ length: portions[source] }, (_, place) => first + place));
}

/** These posts, the highest score first. */
function byScore({ sources, posts, authors, now }, block) {
  // Lists, since QuickJS is slow at looking something up in a Map.
  const scores = new Float64Array(posts.uri.length);
  const seen = new Float64Array(authors.length); // how many posts each author has had already
  for (const post of block) {
    const age = Math.max(0, now - posts.sortTime[post]); // whoever dates a post ahead gains nothing
    const repeats = seen[posts.author[post]]++;
    const { share } = sources[posts.source[post]];
    scores[post] = share * (posts.reply[post] ? REPLY : 1) * REPEAT ** repeats * 0.5 ** (age / HALF_LIFE);
  }
  return block.sort((one, other) => scores[other] - scores[one]); // where they are equal, the order stays as it was
}
