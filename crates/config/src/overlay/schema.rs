//! What may stand in an overlay? The schema of a declaration in which nothing is required and nothing
//! has a default, for what an overlay does not say is as it is below; with `add` and `remove`.

use serde_json::{Map, Value, json};

/// Sections whose things may be removed: whatever refers to them is an error without them.
pub(super) const REMOVABLE: [&str; 7] =
    ["apis", "boundaries", "limits", "listeners", "providers", "upstreams", "zones"];

/// Makes the schema of an overlay out of that of a declaration.
pub(crate) fn json_schema(mut declaration: Value) -> Value {
    relax(&mut declaration, false);
    let sections = declaration.get("properties").and_then(Value::as_object);
    let named = |schema: &Value| schema.get("additionalProperties").is_some_and(Value::is_object);
    let added: Map<String, Value> = sections
        .into_iter()
        .flatten()
        .filter(|(_, schema)| named(schema))
        .map(|(section, schema)| (section.clone(), schema.clone()))
        .collect();
    let removed: Map<String, Value> = REMOVABLE
        .iter()
        .map(|section| {
            let names = json!({"type": "array", "minItems": 1, "items": {"type": "string"}});
            ((*section).to_owned(), names)
        })
        .collect();
    let object = |description: &str, properties: Map<String, Value>| {
        json!({
            "description": description,
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        })
    };
    let own = [
        ("add", object("What is new here, in the shape of a declaration.", added)),
        ("remove", object("Names of what is not here, by section.", removed)),
    ];
    if let Some(top) = declaration.as_object_mut() {
        top.insert("title".to_owned(), "Overlay".into());
        let description = "What is otherwise in one environment: laid over `portcullis.yaml`.";
        top.insert("description".to_owned(), description.into());
        top.insert("required".to_owned(), json!(["apiVersion"]));
        if let Some(properties) = top.get_mut("properties").and_then(Value::as_object_mut) {
            properties.extend(own.map(|(key, schema)| (key.to_owned(), schema)));
        }
    }
    declaration
}

/// Takes requirements and defaults away; the one key that tells a form from others stays required.
fn relax(schema: &mut Value, is_form: bool) {
    match schema {
        Value::Object(members) => {
            if !is_form {
                members.remove("required");
            }
            members.remove("default");
            for (key, inner) in members {
                let named = matches!(key.as_str(), "properties" | "$defs");
                match inner {
                    // a property may be called `required` or `default`
                    Value::Object(several) if named => {
                        several.values_mut().for_each(|one| relax(one, false));
                    }
                    Value::Array(forms) if matches!(key.as_str(), "oneOf" | "anyOf") => {
                        forms.iter_mut().for_each(|form| relax(form, true));
                    }
                    Value::Object(_) => relax(inner, false),
                    Value::Array(_)
                    | Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_) => {}
                }
            }
        }
        Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
