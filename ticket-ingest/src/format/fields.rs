//! The fields of a line. Each part of a format takes those that it knows.

use serde_json::{Map, Value};
use ticket_core::record::{ErrorCause, Frame};
use ticket_core::{Level, SmolStr, Timestamp, limits};

use crate::draft::Draft;
use crate::level::{self, Scale};
use crate::{time, trace};

/// The fields of a line that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Takes a field by its name, or by its path with dots into objects.
    pub(crate) fn take(&mut self, path: &str) -> Option<Value> {
        take(&mut self.0, path, &|value| !value.is_null())
    }

    /// Takes the first of these fields that is a text or a number.
    pub(crate) fn text(&mut self, paths: &[&str]) -> Option<SmolStr> {
        let scalar = |value: &Value| match value {
            Value::String(text) => !text.is_empty(),
            Value::Number(_) => true,
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        let value = paths.iter().find_map(|path| take(&mut self.0, path, &scalar))?;
        Some(match value {
            Value::String(text) => text.into(),
            other => other.to_string().into(),
        })
    }

    /// Takes the first of these fields that is a stack, as a text or as an array of lines.
    fn stack(&mut self, paths: &[&str]) -> Option<SmolStr> {
        let is_stack = |value: &Value| value.is_string() || lines(value).is_some();
        let value = paths.iter().find_map(|path| take(&mut self.0, path, &is_stack))?;
        lines(&value).map(Into::into).or_else(|| value.as_str().map(Into::into))
    }

    /// Takes the first of these fields that is a number in the range of `T`, or a text with one.
    pub(crate) fn number<T: TryFrom<i64>>(&mut self, paths: &[&str]) -> Option<T> {
        let read = |value: &Value| {
            let number = match value {
                Value::Number(number) => number.as_i64()?,
                Value::String(text) => text.parse().ok()?,
                Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
            };
            T::try_from(number).ok()
        };
        let value = paths
            .iter()
            .find_map(|path| take(&mut self.0, path, &|value| read(value).is_some()))?;
        read(&value)
    }

    /// Takes the first of these fields that is a time.
    pub(crate) fn time(&mut self, paths: &[&str]) -> Option<Timestamp> {
        let is_time = |value: &Value| time::from_json(value).is_some();
        let value = paths.iter().find_map(|path| take(&mut self.0, path, &is_time))?;
        time::from_json(&value)
    }

    /// Takes the first of these fields that is a level, by name or by number. What the numbers 0 to 7 mean is settled
    /// later, so they are kept.
    pub(crate) fn level_into(&mut self, paths: &[&str], draft: &mut Draft) {
        let is_level = |value: &Value| {
            let number = number_in(value);
            let is_number =
                number.is_some_and(|number| level::from_number(number, Scale::default()).is_some());
            is_number || value.as_str().is_some_and(|text| level::parse(text).is_some())
        };
        let Some(value) = paths.iter().find_map(|path| take(&mut self.0, path, &is_level)) else {
            return;
        };
        match number_in(&value) {
            Some(number @ 0..=7) => draft.number = Some(number),
            Some(number) => draft.level = level::from_number(number, Scale::default()),
            None => draft.level = value.as_str().and_then(level::parse),
        }
    }

    /// Takes the first of these fields that is the name of a level.
    pub(crate) fn level(&mut self, paths: &[&str]) -> Option<Level> {
        let parsed = |value: &Value| value.as_str().and_then(level::parse);
        let is_level = |value: &Value| parsed(value).is_some();
        let value = paths.iter().find_map(|path| take(&mut self.0, path, &is_level))?;
        parsed(&value)
    }

    /// Takes what a line says about an error: an object, a text, or the text of a stack trace.
    ///
    /// Returns `false` if there is no such field, or if it does not describe an error.
    pub(crate) fn error(&mut self, path: &str, draft: &mut Draft) -> bool {
        let is_error = |value: &Value| match value {
            // A chain has the outermost error first.
            Value::Array(array) => {
                lines(value).is_some() || (!array.is_empty() && array.iter().all(is_error_object))
            }
            Value::Object(_) => is_error_object(value),
            Value::String(text) => !text.is_empty(),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        };
        let error =
            take(&mut self.0, path, &is_error).or_else(|| self.below(path).map(Value::Object));
        let Some(error) = error else { return false };
        match lines(&error).map_or(error, Value::String) {
            Value::String(text) => {
                if !trace::read(&text).apply(draft) {
                    draft.record.error.push(ErrorCause::new(None, text));
                } else {
                    draft.keep("stack_trace", text);
                }
            }
            Value::Object(object) => object_error(Self(object), path, draft, 0),
            Value::Array(chain) => {
                for (depth, error) in chain.into_iter().enumerate().take(CAUSES) {
                    if let Value::Object(error) = error {
                        object_error(Self(error), path, draft, depth);
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => return false,
        }
        true
    }
}

impl Fields {
    /// Takes what flat names say about an error: `error.type` and so on.
    fn below(&mut self, name: &str) -> Option<Map<String, Value>> {
        // Almost no line has such names, and each of them would be put together and looked for.
        let is_below =
            |key: &String| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
        if !self.0.keys().any(is_below) {
            return None;
        }
        let parts =
            ["type", "class", "message", "stack_trace", "stacktrace", "backtrace", "stack", "code"];
        let below: Map<String, Value> = parts
            .iter()
            .filter_map(|part| {
                Some(((*part).to_owned(), self.0.remove(&format!("{name}.{part}"))?))
            })
            .collect();
        (!below.is_empty()).then_some(below)
    }
}

/// Returns a number that is written as a number or as a text.
fn number_in(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        _ => level::whole(value),
    }
}

/// Returns `true` for an object with the usual fields of an error.
fn is_error_object(value: &Value) -> bool {
    [
        "message",
        "msg",
        "type",
        "name",
        "stack",
        "stack_trace",
        "class",
        "exception_class",
        "Message",
    ]
    .iter()
    .any(|name| value.get(name).is_some_and(Value::is_string))
}

/// Returns the lines of a text that is written as an array.
fn lines(value: &Value) -> Option<String> {
    let lines: Vec<&str> = value.as_array()?.iter().map(Value::as_str).collect::<Option<_>>()?;
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The folders of dependencies, in the languages whose loggers write frames as objects.
const LIBRARIES: [&str; 4] = ["/vendor/", "/3rdparty/", "/node_modules/", "/site-packages/"];

/// Reads frames that are objects with a function, a file and a line.
fn frames(value: &Value) -> Option<Vec<Frame>> {
    let text = |object: &Value, names: &[&str]| {
        names.iter().find_map(|name| object.get(name)?.as_str().map(str::to_owned))
    };
    let frames: Vec<Frame> = value
        .as_array()?
        .iter()
        .map(|object| {
            let function = text(object, &["function", "method", "methodName"])?;
            let class = text(object, &["class", "className"]);
            let function = class.map_or(function.clone(), |class| format!("{class}.{function}"));
            let mut frame = Frame::new(function);
            frame.file = text(object, &["file", "fileName", "filename"]).map(Into::into);
            let line = ["line", "lineNumber", "lineno"].iter().find_map(|name| object.get(name));
            frame.line = line.and_then(Value::as_u64).and_then(|line| u32::try_from(line).ok());
            frame.in_app = frame
                .file
                .as_deref()
                .is_some_and(|file| !LIBRARIES.iter().any(|of| file.contains(of)));
            Some(frame)
        })
        .take(limits::FRAMES)
        .collect::<Option<_>>()?;
    (!frames.is_empty()).then_some(frames)
}

/// How deep nested causes are followed: as deep as a record keeps them.
const CAUSES: usize = ticket_core::limits::ERRORS;

/// Reads an error of the form `{type|name, message, stack, code, cause: {…}}`.
fn object_error(mut error: Fields, path: &str, draft: &mut Draft, depth: usize) {
    let kind = error.text(&[
        "type",
        "name",
        "class",
        "kind",
        "codeName",
        "exception_class",
        "Type",
        "ClassName",
        "Exception",
        "exceptionType",
        "className",
    ]);
    let message = error.text(&["message", "msg", "errmsg", "exception_message", "Message"]);
    let stack = error.stack(&[
        "stack",
        "stack_trace",
        "stackTrace",
        "stacktrace",
        "backtrace",
        "StackTrace",
        "StackTraceString",
        "extendedStackTrace",
    ]);
    if depth == 0 && draft.record.backtrace.is_empty() {
        let list = ["Trace", "trace", "extendedStackTrace", "stackTrace", "stepArray", "frames"]
            .iter()
            .find_map(|name| take(&mut error.0, name, &|value| frames(value).is_some()));
        draft.record.backtrace = list.as_ref().and_then(frames).unwrap_or_default();
    }
    let mut trace = stack.as_deref().map(trace::read).unwrap_or_default();
    let first = trace.causes.drain(..trace.causes.len().min(1)).next();
    let (traced_kind, traced_message) =
        first.map_or((None, None), |cause| (cause.type_name, Some(cause.message)));
    let cause =
        ErrorCause::new(kind.or(traced_kind), message.or(traced_message).unwrap_or_default());
    draft.record.error.push(cause);
    if let Some(stack) = stack
        && depth == 0
    {
        draft.record.backtrace.append(&mut trace.frames);
        draft.keep("stack_trace", stack);
    }
    let inner = ["cause", "inner", "innerException", "InnerException", "previous"]
        .iter()
        .find_map(|name| error.take(name));
    match inner {
        Some(Value::Object(inner)) if depth < CAUSES => {
            object_error(Fields(inner), path, draft, depth + 1);
        }
        Some(Value::String(text)) => draft.record.error.push(ErrorCause::new(None, text)),
        _ => draft.record.error.append(&mut trace.causes),
    }
    if depth == 0 {
        draft.keep_all(path, error);
    }
}

/// Takes a value out of an object by its name, or by its path with dots, if it is `wanted`. Objects that
/// become empty are removed too.
fn take(
    object: &mut Map<String, Value>,
    path: &str,
    wanted: &dyn Fn(&Value) -> bool,
) -> Option<Value> {
    if let Some(value) = object.get(path) {
        return if wanted(value) { object.remove(path) } else { None };
    }
    let (first, rest) = path.split_once('.')?;
    let Value::Object(inner) = object.get_mut(first)? else { return None };
    let value = take(inner, rest, wanted);
    if value.is_some() && inner.is_empty() {
        object.remove(first);
    }
    value
}

impl Draft {
    /// Adds the remaining fields as traits, with `path` in front of their names.
    pub(crate) fn keep_all(&mut self, path: &str, fields: Fields) {
        if !fields.0.is_empty() {
            self.record.traits.insert_json(path, &Value::Object(fields.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(map) = value else { panic!("an object") };
        Fields(map)
    }

    #[test]
    fn a_path_finds_flat_and_nested_fields() {
        for value in [json!({"a.b.c": 1}), json!({"a": {"b": {"c": 1}}}), json!({"a": {"b.c": 1}})]
        {
            let mut fields = fields(value);
            assert_eq!(fields.number::<u32>(&["x", "a.b.c"]), Some(1));
            assert!(fields.0.is_empty(), "{fields:?}");
        }
    }

    #[test]
    fn a_field_of_the_wrong_type_is_left() {
        let mut fields =
            fields(json!({"level": {"deep": 1}, "pid": -1, "time": "soon", "msg": ""}));
        assert_eq!(fields.level(&["level"]), None);
        assert_eq!(fields.number::<u32>(&["pid"]), None);
        assert_eq!(fields.time(&["time"]), None);
        assert_eq!(fields.text(&["msg"]), None);
        assert_eq!(fields.0.len(), 4);
    }
}
