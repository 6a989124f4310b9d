//! Are the files in `deploy` what they claim: a unit that systemd takes and rates as closed, a container
//! file of the right form, manifests that the API of Kubernetes knows every key of, with an estate in
//! them that holds? Images are not built here: that needs a registry of images.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_portcullis");
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Most that `systemd-analyze security` may say, in tenths: 0 is closed, 100 is open.
const EXPOSURE_MAX: u32 = 15;

fn root(below: &str) -> PathBuf {
    Path::new(ROOT).join(below)
}

fn text(below: &str) -> String {
    std::fs::read_to_string(root(below)).unwrap()
}

fn systemd(arguments: &[&str]) -> String {
    let output = Command::new("systemd-analyze").args(arguments).output();
    let output =
        output.unwrap_or_else(|error| panic!("systemd is needed (`cargo xtask test`): {error}"));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    said
}

#[test]
fn systemd_takes_the_unit_and_calls_it_closed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("portcullis@a.service");
    // the binary is not installed here
    let written = text("deploy/systemd/portcullis@.service").replace("/usr/bin/portcullis", BINARY);
    std::fs::write(&unit, written).unwrap();
    let unit = unit.to_str().unwrap();
    let said = systemd(&["verify", "--man=no", unit]);
    assert!(!said.contains("portcullis@a.service:"), "{said}");
    systemd(&["security", "--offline=true", &format!("--threshold={EXPOSURE_MAX}"), unit]);
}

#[test]
fn the_container_file_has_its_form() {
    let file = text("deploy/container/Containerfile");
    let lines: Vec<&str> = file.lines().filter(|line| !line.starts_with('#')).collect();
    let find =
        |start: &str| lines.iter().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    let stages = find("FROM ");
    assert_eq!(stages.len(), 2, "{stages:?}");
    // no older than the sources need
    let minor = |text: &str, before: &str| -> u32 {
        let digits = text.split(before).nth(1).unwrap().chars().take_while(char::is_ascii_digit);
        digits.collect::<String>().parse().unwrap()
    };
    let needed = minor(&text("Cargo.toml"), "rust-version = \"1.");
    assert!(minor(stages[0], "rust:1.") >= needed, "{} is older than 1.{needed}", stages[0]);
    assert!(stages[1].contains("distroless/cc-") && stages[1].ends_with(":nonroot"));
    let last = lines.iter().position(|line| line == stages[1]).unwrap();
    let last = &lines[last..];
    assert!(
        last.iter().all(|line| !line.starts_with("RUN") && !line.starts_with("ADD")),
        "{last:?}"
    );
    assert!(last.contains(&"USER 65532:65532") && last.contains(&"VOLUME [\"/estate/state\"]"));
    assert!(last.contains(&"ENTRYPOINT [\"/usr/bin/portcullis\"]"));
}

/// Every document of the manifests.
fn manifests() -> Vec<Value> {
    let mut documents = Vec::new();
    for file in ["estate.yaml", "deployment.yaml", "network.yaml"] {
        for document in text(&format!("deploy/kubernetes/{file}")).split("\n---\n") {
            documents.push(serde_saphyr::from_str::<Value>(document).unwrap());
        }
    }
    documents
}

/// Whether everything that stands in `written` was understood.
fn understood(written: &Value, read: &Value, path: &str) {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            for (key, value) in written {
                let path = format!("{path}.{key}");
                let known = read.get(key).unwrap_or_else(|| panic!("{path} is no key of the API"));
                understood(value, known, &path);
            }
        }
        (Value::Array(written), Value::Array(read)) => {
            assert_eq!(written.len(), read.len(), "{path}");
            for (index, (one, other)) in written.iter().zip(read).enumerate() {
                understood(one, other, &format!("{path}[{index}]"));
            }
        }
        (written, read) => assert_eq!(written, read, "{path}"),
    }
}

fn strict<T: DeserializeOwned + Serialize>(document: &Value) {
    let kind = document["kind"].as_str().unwrap();
    let read: T =
        serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{kind}: {error}"));
    understood(document, &serde_json::to_value(read).unwrap(), kind);
}

#[test]
fn kubernetes_knows_every_key_of_the_manifests() {
    let mut kinds = Vec::new();
    for document in manifests() {
        let (kind, version) = (document["kind"].as_str().unwrap(), &document["apiVersion"]);
        match (kind, version.as_str().unwrap()) {
            ("ConfigMap", "v1") => strict::<ConfigMap>(&document),
            ("ServiceAccount", "v1") => strict::<ServiceAccount>(&document),
            ("Service", "v1") => strict::<Service>(&document),
            ("Deployment", "apps/v1") => strict::<Deployment>(&document),
            ("PodDisruptionBudget", "policy/v1") => strict::<PodDisruptionBudget>(&document),
            ("NetworkPolicy", "networking.k8s.io/v1") => strict::<NetworkPolicy>(&document),
            other => panic!("{other:?}"),
        }
        kinds.push(kind.to_owned());
    }
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    let unknown = serde_json::json!({"kind": "Service", "apiVersion": "v1", "spec": {"prots": []}});
    assert!(
        std::panic::catch_unwind(|| strict::<Service>(&unknown)).is_err(),
        "a wrong key is seen"
    );
}

fn of(kind: &str) -> Value {
    manifests().into_iter().find(|one| one["kind"] == kind).unwrap()
}

#[test]
fn the_pods_are_closed() {
    let pod = of("Deployment")["spec"]["template"].clone();
    let (spec, container) = (&pod["spec"], &pod["spec"]["containers"][0]);
    assert_eq!(spec["automountServiceAccountToken"], false);
    assert_eq!(of("ServiceAccount")["automountServiceAccountToken"], false);
    assert_eq!(spec["securityContext"]["runAsNonRoot"], true);
    assert_eq!(spec["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["capabilities"]["drop"][0], "ALL");
    assert!(container["resources"]["limits"]["memory"].is_string());
    // what is mounted is there, and only the state is written
    let names = |list: &Value| -> Vec<String> {
        let one = |item: &Value| item["name"].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(one).collect()
    };
    assert_eq!(names(&container["volumeMounts"]), names(&spec["volumes"]));
    for mount in container["volumeMounts"].as_array().unwrap() {
        assert_eq!(mount["readOnly"] == true, mount["name"] != "state", "{mount}");
    }
    // one selector for all, and the port has its name
    let labels = &pod["metadata"]["labels"];
    assert_eq!(labels, &of("Service")["spec"]["selector"]);
    assert_eq!(labels, &of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]);
    assert_eq!(labels, &of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]);
    assert_eq!(container["ports"][0]["name"], of("Service")["spec"]["ports"][0]["targetPort"]);
    // probes are verbs of the binary
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let command = container[probe]["exec"]["command"].as_array().unwrap();
        let arguments: Vec<&str> = command[1..].iter().map(|word| word.as_str().unwrap()).collect();
        let asked = Command::new(BINARY).args(arguments).output().unwrap();
        assert_eq!(asked.status.code(), Some(4), "{probe}: nobody answers here");
    }
}

#[test]
fn the_estate_of_the_manifests_holds() {
    let estate = tempfile::tempdir().unwrap();
    let maps = manifests().into_iter().filter(|one| one["kind"] == "ConfigMap");
    for map in maps {
        let name = map["metadata"]["name"].as_str().unwrap();
        let below = name.strip_prefix("portcullis-").unwrap();
        let folder = match below {
            "declaration" => estate.path().to_owned(),
            below => estate.path().join(below),
        };
        std::fs::create_dir_all(&folder).unwrap();
        for (file, text) in map["data"].as_object().unwrap() {
            std::fs::write(folder.join(file), text.as_str().unwrap()).unwrap();
        }
    }
    let mut arguments: Vec<String> = vec!["--folder".into(), estate.path().display().to_string()];
    let deployment = of("Deployment");
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let written: Vec<&str> =
        container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let ["--folder", "/estate", rest @ .., "run"] = written.as_slice() else {
        panic!("{written:?}")
    };
    arguments.extend(rest.iter().map(|word| (*word).to_owned()));
    let check = Command::new(BINARY).args(&arguments).arg("check").output().unwrap();
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(check.status.success() && said.contains("0 errors, 0 warnings"), "{said}");
    assert!(said.contains("estate `hello`: 1 operations"), "{said}");
}
