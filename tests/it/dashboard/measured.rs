//! How long reads take in a large index. For the eye: `--ignored --nocapture`.

use std::time::Instant;

use atrarium::community::{Bounds, directory, showing};
use atrarium::dashboard::{CommunitiesQuery, MembersQuery};
use atrarium::event::Collection;
use atrarium::record::{Config, Hashtag, RecordKey, Shares, Stage};
use atrarium::sandbox::object::Role;
use atrarium::store::schema::{self, count};
use atrarium::store::{Key, Options, Store, Table, View};
use atrarium_tests::World;
use atrarium_tests::world::NOW;

use super::{STRANGER, dashboard, page};

const MANY: usize = 10_000;

fn fill(world: &World) {
    let store = Store::open(Options { path: world.directory.join("index.redb"), cache: 64 << 20, backend: None }).expect("the program has ended");
    let mut view = View::new(store.snapshot().expect("it can be read"), None);
    let edition = showing::begin_edition(&mut view).expect("it can be read");
    let bounds = Bounds { communities_per_owner: MANY, ..Bounds::default() };
    for n in 0..MANY {
        let config = Config {
            name: format!("Community number {n}"),
            description: Some("what it is about ".repeat(10)),
            hashtag: Hashtag::parse(&format!("#atrarium_{n:08x}")).expect("a hashtag"),
            stage: Stage::Theme,
            parent: None,
            shares: Shares { own: 100, parent: 0, global: 0 },
            moderators: (0..5).map(|m| format!("did:plc:moderator{m}")).collect(),
            created_at: NOW,
        };
        let key = RecordKey { did: format!("did:plc:owner{:05}", n % 2_000), collection: Collection::Config, rkey: format!("c{n}") };
        let id = directory::open(&mut view, &key, config, &bounds).expect("it can be read").expect("there is room");
        if id > 2 {
            continue;
        }
        let role = Role::Member;
        for member in 0..MANY {
            let did = format!("did:plc:aaaaaaaaaaaaaaaaaaa{member:05}");
            view.write(Table::Members, Key::community(id).rest(&did).build(), &role);
            view.write(Table::Belongs, schema::communities_of(&did).u32(id).build(), &role);
            view.add(count::members(id).build(), 1).expect("it can be read");
            let (at, rkey) = (NOW - member as i64 * 50_000, "3jzfcijpj2z2a");
            let entry = showing::Entry { reply: false, languages: vec!["en".to_owned()], labels: Vec::new() };
            showing::publish(&mut view, id, schema::place(at, rkey, &did).as_ref(), edition, entry).expect("it can be read");
        }
    }
    store.commit(&view.into_layer()).expect("it can be written");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures"]
async fn reads_in_a_large_index() {
    let mut world = World::new().await;
    world.stop().await;
    fill(&world);
    world.start_again().await;
    let dashboard = dashboard(&world);
    let time = |what: &str, run: &mut dyn FnMut()| {
        run();
        let began = Instant::now();
        (0..50).for_each(|_| run());
        println!("{what:30} {:>8.0} µs", began.elapsed().as_secs_f64() * 1e6 / 50.0);
    };
    let query = |name: Option<&str>| CommunitiesQuery { name: name.map(str::to_owned), ..CommunitiesQuery::default() };
    time("find", &mut || drop(dashboard.find("c9000").expect("it is open")));
    time("standing", &mut || drop(dashboard.standing("c1", STRANGER)));
    time("community of 10,000", &mut || drop(dashboard.community(STRANGER, "c1").expect("it is open")));
    time("50 communities", &mut || drop(dashboard.communities(STRANGER, &query(None), &page(50, None))));
    time("50 communities by name", &mut || drop(dashboard.communities(STRANGER, &query(Some("number 99")), &page(50, None))));
    time("no community by name", &mut || drop(dashboard.communities(STRANGER, &query(Some("nothing")), &page(50, None))));
    time("children", &mut || drop(dashboard.children(STRANGER, "c1", &page(50, None))));
    time("50 members", &mut || drop(dashboard.members("c1", &MembersQuery::default(), &page(50, None))));
    time("member by DID", &mut || drop(dashboard.members("c1", &MembersQuery { did: Some("99999".to_owned()), role: None }, &page(50, None))));
    time("50 posts", &mut || drop(dashboard.posts("c1", false, &page(50, None))));
    time("stats, kept", &mut || drop(dashboard.stats("c1")));
    time("actions", &mut || drop(dashboard.actions("c1", None, &page(50, None))));
    time("held", &mut || drop(dashboard.held("c1", &page(50, None))));
    world.stop().await;
}
