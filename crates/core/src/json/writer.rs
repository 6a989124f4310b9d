//! What does each kind of value become? One method for each kind that serde knows.

use std::fmt;

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
};
use serde::{Serializer, ser};

use super::string::string;

/// Writes a value after what is there already.
///
/// # Errors
/// For what has no form in JSON, or none here; then what was written is of no use.
pub fn write(value: &(impl Serialize + ?Sized), into: &mut Vec<u8>) -> Result<(), Unwritten> {
    value.serialize(Writer(into))
}

/// Why a value was not written.
#[derive(Debug, PartialEq, Eq)]
pub struct Unwritten(String);

impl fmt::Display for Unwritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unwritten {}

impl ser::Error for Unwritten {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

struct Writer<'a>(&'a mut Vec<u8>);

/// The rest of a list or of an object: what closes it, and whether it has begun.
struct Parts<'a> {
    into: &'a mut Vec<u8>,
    begun: bool,
    close: &'static [u8],
}

impl<'a> Parts<'a> {
    fn open(into: &'a mut Vec<u8>, open: u8, close: &'static [u8]) -> Self {
        into.push(open);
        Self { into, begun: false, close }
    }

    fn comma(&mut self) {
        if self.begun {
            self.into.push(b',');
        }
        self.begun = true;
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.comma();
        write(value, self.into)
    }

    fn member<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Unwritten> {
        self.comma();
        string(self.into, name);
        self.into.push(b':');
        write(value, self.into)
    }

    fn close(self) {
        self.into.extend_from_slice(self.close);
    }
}

fn number(into: &mut Vec<u8>, number: u64) {
    let mut text = String::with_capacity(20);
    portcullis_model::written::number(&mut text, number);
    into.extend_from_slice(text.as_bytes());
}

macro_rules! numbers {
    ($($name:ident: $kind:ty),*) => {$(
        fn $name(self, value: $kind) -> Result<(), Unwritten> {
            number(self.0, u64::from(value));
            Ok(())
        }
    )*};
}

macro_rules! signed {
    ($($name:ident: $kind:ty),*) => {$(
        fn $name(self, value: $kind) -> Result<(), Unwritten> {
            if value < 0 {
                self.0.push(b'-');
            }
            number(self.0, u64::from(value.unsigned_abs()));
            Ok(())
        }
    )*};
}

impl<'a> Serializer for Writer<'a> {
    type Ok = ();
    type Error = Unwritten;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Impossible<(), Unwritten>;
    type SerializeMap = Members<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    numbers!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64);
    signed!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);

    fn serialize_bool(self, value: bool) -> Result<(), Unwritten> {
        self.0.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unwritten> {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unwritten> {
        serde_json::to_writer(self.0, &value).map_err(Unwritten::custom)
    }

    fn serialize_char(self, value: char) -> Result<(), Unwritten> {
        string(self.0, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritten> {
        string(self.0, value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unwritten> {
        Err(Unwritten::custom("bytes have no form"))
    }

    fn serialize_none(self) -> Result<(), Unwritten> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritten> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritten> {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritten> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unwritten> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unwritten> {
        let mut parts = Parts::open(self.0, b'{', b"}");
        parts.member(variant, value)?;
        parts.close();
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'a>, Unwritten> {
        Ok(Parts::open(self.0, b'[', b"]"))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'a>, Unwritten> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Unwritten> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unwritten> {
        Err(Unwritten::custom(format!("`{variant}` has no form")))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a>, Unwritten> {
        Ok(Members(Parts::open(self.0, b'{', b"}")))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'a>, Unwritten> {
        Ok(Parts::open(self.0, b'{', b"}"))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'a>, Unwritten> {
        self.0.push(b'{');
        string(self.0, variant);
        self.0.push(b':');
        Ok(Parts::open(self.0, b'{', b"}}"))
    }
}

/// The members of a map, whose keys are text (or have the form of text).
struct Members<'a>(Parts<'a>);

impl SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Unwritten;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritten> {
        self.0.comma();
        let begins = self.0.into.len();
        write(key, self.0.into)?;
        match self.0.into.get(begins) {
            Some(b'"') => Ok(()),
            Some(_) | None => Err(Unwritten::custom("a key is no text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
        self.0.into.push(b':');
        write(value, self.0.into)
    }

    fn end(self) -> Result<(), Unwritten> {
        self.0.close();
        Ok(())
    }
}

macro_rules! lists {
    ($($name:ident :: $method:ident),*) => {$(
        impl $name for Parts<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritten> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unwritten> {
                self.close();
                Ok(())
            }
        }
    )*};
}

lists!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field
);

macro_rules! structs {
    ($($name:ident),*) => {$(
        impl $name for Parts<'_> {
            type Ok = ();
            type Error = Unwritten;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unwritten> {
                self.member(name, value)
            }

            fn end(self) -> Result<(), Unwritten> {
                self.close();
                Ok(())
            }
        }
    )*};
}

structs!(SerializeStruct, SerializeStructVariant);
