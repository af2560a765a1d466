//! All dialects and transports against one server: what it does wrong is found the same by each, and clients that speak
//! differently hear each other.

#![allow(clippy::unwrap_used)] // a panic here is a failed test

mod fake;

use std::time::Duration;

use fake::{
    Fake, Habits, SECRET,
    hub::Hub,
    polling::{Front, Upgrades},
};
use swarm::{Class, Counters, Language, Options, Report, Scenario, Transport, Verdict};

/// One way to talk to a server.
type Tongue = (Language, Transport);

const TONGUES: [Tongue; 5] = [
    (Language::Rooms, Transport::WebSocket),
    (Language::Hub, Transport::WebSocket),
    (Language::SocketIo, Transport::WebSocket),
    (Language::SocketIo, Transport::Polling),
    (Language::SocketIo, Transport::Upgrade),
];

/// The address at which a fake server is spoken to so, and what must live as long.
async fn door(fake: &Fake, tongue: Tongue) -> (Vec<String>, Option<Hub>, Option<Front>) {
    let behind = &fake.targets[0];
    match tongue {
        (Language::Hub, _) => {
            let hub = Hub::start(behind).await;
            (vec![hub.target.clone()], Some(hub), None)
        }
        (Language::SocketIo, Transport::Polling | Transport::Upgrade) => {
            let front = Front::start(behind, Upgrades::Offered).await;
            (vec![front.target.clone()], None, Some(front))
        }
        (Language::Rooms, _) | (Language::SocketIo, Transport::WebSocket) => {
            (vec![behind.clone()], None, None)
        }
    }
}

async fn run(tongue: Tongue, habits: Habits) -> Report {
    let fake = Fake::start(habits).await;
    let (targets, _hub, _front) = door(&fake, tongue).await;
    let (dialect, transport) = tongue;
    let settle = Duration::from_secs(1);
    fake.run_scenario(Scenario { dialect, transport, targets, rooms_per_user: 1, settle, ..fake.scenario() })
        .await
}

fn breaches(report: &Report) -> [u64; 5] {
    let Counters { lost, repeated, disordered, gaps, unacknowledged, .. } = report.counters;
    [lost, repeated, disordered, gaps, unacknowledged]
}

#[tokio::test]
async fn every_dialect_by_every_transport_finds_the_same() {
    for (habits, wanted) in [
        (Habits::default(), [0; 5]),
        (Habits { drops: Some(7), ..Habits::default() }, [1, 0, 0, 1, 0]),
        (Habits { swaps: Some(7), ..Habits::default() }, [0, 0, 1, 1, 0]),
        (Habits { closes_every: Some((10, 4001)), ..Habits::default() }, [0; 5]),
    ] {
        let verdict = if wanted == [0; 5] { Verdict::Passed } else { Verdict::Failed };
        let runs = TONGUES.map(|tongue| run(tongue, habits.clone()));
        for (tongue, report) in TONGUES.iter().zip(futures::future::join_all(runs).await) {
            assert_eq!(
                (breaches(&report), report.verdict),
                (wanted, verdict),
                "{tongue:?}, {habits:?}: {report}"
            );
            assert_eq!(report.counters.acknowledged, report.intended, "{tongue:?}: {report}");
        }
    }
}

#[tokio::test]
async fn clients_of_two_dialects_in_one_room_hear_each_other() {
    let fake = Fake::start(Habits::default()).await;
    let class = |dialect, users| Class { dialect: Some(dialect), users, ..Class::default() };
    let scenario = Scenario {
        rooms: 1,
        rooms_per_user: 1,
        classes: vec![class(Language::Rooms, 2), class(Language::SocketIo, 2)],
        ..fake.scenario()
    };
    let options = Options { secret: SECRET.into(), ..Options::default() };
    let report = swarm::run(scenario, options).await.unwrap();
    assert_eq!((breaches(&report), report.verdict), ([0; 5], Verdict::Passed), "{report}");
    assert_eq!(report.counters.delivered, report.intended * 4, "{report}");
}
