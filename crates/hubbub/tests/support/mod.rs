//! A deployment for tests: real Redis, real Postgres, the real program in as many processes as asked for.

#![allow(dead_code, reason = "every test file uses a part of this")]

pub(crate) mod client;
pub(crate) mod dev;
pub(crate) mod token;

use std::time::Duration;

use testkit::{Postgres, Process, Redis, free_port};

/// Every process of a deployment signs and verifies with this.
pub(crate) const SECRET: &str = "a secret of tests, thirty-two bytes or more";

/// Time in which any part must come up, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// One running process of the program and the ports that it keeps over a restart.
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) public: u16,
    pub(crate) admin: u16,
    pub(crate) process: Process,
}

/// Redis, Postgres, gateways and persisters.
pub(crate) struct Deployment {
    pub(crate) redis: Redis,
    pub(crate) postgres: Postgres,
    pub(crate) database: String,
    pub(crate) gateways: Vec<Part>,
    pub(crate) persisters: Vec<Part>,
    extra: Vec<(String, String)>,
}

impl Deployment {
    /// Starts everything and waits until it is ready. `extra`: further environment of every process.
    pub(crate) async fn start(gateways: usize, persisters: usize, extra: &[(&str, &str)]) -> Self {
        let redis = Redis::start().await;
        let postgres = Postgres::start().await;
        let database = postgres.create_database().await;
        let extra = extra.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut deployment =
            Self { redis, postgres, database, gateways: Vec::new(), persisters: Vec::new(), extra };
        let mut migrate = deployment.program("migrate", &[]);
        assert_eq!(migrate.wait(PATIENCE).await, 0, "{}", migrate.output());
        for number in 1..=gateways {
            let part = deployment.launch("gateway", &format!("gateway-{number}"), free_port(), free_port());
            deployment.gateways.push(part);
        }
        for number in 1..=persisters {
            let part =
                deployment.launch("persister", &format!("persister-{number}"), free_port(), free_port());
            deployment.persisters.push(part);
        }
        for part in deployment.gateways.iter_mut().chain(&mut deployment.persisters) {
            part.ready().await;
        }
        deployment
    }

    /// Where the gateways listen.
    pub(crate) fn targets(&self) -> Vec<String> {
        self.gateways.iter().map(|part| format!("127.0.0.1:{}", part.public)).collect()
    }

    /// Kills a gateway without a word, and starts it again on the same ports.
    pub(crate) async fn replace_gateway(&mut self, index: usize) {
        self.gateways[index].process.kill9().await;
        let (name, public, admin) = self.gateways[index].place();
        self.gateways[index] = self.launch("gateway", &name, public, admin);
        self.gateways[index].ready().await;
    }

    /// Kills a persister without a word, and starts it again.
    pub(crate) async fn replace_persister(&mut self, index: usize) {
        self.persisters[index].process.kill9().await;
        let (name, public, admin) = self.persisters[index].place();
        self.persisters[index] = self.launch("persister", &name, public, admin);
        self.persisters[index].ready().await;
    }

    fn launch(&self, role: &str, name: &str, public: u16, admin: u16) -> Part {
        let own = [
            ("HUBBUB_SERVER__LISTEN", format!("127.0.0.1:{public}")),
            ("HUBBUB_SERVER__ADMIN_LISTEN", format!("127.0.0.1:{admin}")),
            ("HUBBUB_SERVER__NODE_NAME", name.to_owned()),
        ];
        let process = self.program(role, &own);
        Part { name: name.to_owned(), public, admin, process }
    }

    /// Runs the program with the deployment's addresses.
    pub(crate) fn program(&self, role: &str, own: &[(&str, String)]) -> Process {
        let mut launch = Process::launch(env!("CARGO_BIN_EXE_hubbub"))
            .arg(role)
            .env("HUBBUB_REDIS__URL", self.redis.url())
            .env("HUBBUB_DATABASE__URL", &self.database)
            .env("HUBBUB_AUTH__JWT_SECRET", SECRET);
        for (key, value) in own {
            launch = launch.env(key, value);
        }
        for (key, value) in &self.extra {
            launch = launch.env(key, value);
        }
        launch.start()
    }
}

impl Part {
    fn place(&self) -> (String, u16, u16) {
        (self.name.clone(), self.public, self.admin)
    }

    /// Waits until the process says that it is ready.
    pub(crate) async fn ready(&mut self) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !get(self.admin, "/readyz").await.starts_with("HTTP/1.1 200") {
            assert!(self.process.is_running(), "{} ended: {}", self.name, self.process.output());
            assert!(
                tokio::time::Instant::now() < deadline,
                "{} is not ready: {}",
                self.name,
                self.process.output()
            );
            pause().await;
        }
    }
}

/// One plain request to a port on this machine; an empty answer where nobody listens.
pub(crate) async fn get(port: u16, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    tokio::time::timeout(Duration::from_secs(5), ask).await.ok().and_then(Result::ok).unwrap_or_default()
}

/// The distance between two looks at something that has no event to wait for.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}
