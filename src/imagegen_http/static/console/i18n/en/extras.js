// The sentences about parameters without a field in English; ../zh/extras.js has the same keys.

export default {
  extras: {
    add_extra: "Add a parameter",
    drop_extra: "Remove parameter {n}",
    extra_empty: "Write a value; an empty text is \"\"",
    extra_name: "Name",
    extra_name_of: "Name of parameter {n}",
    extra_nameless: "Write a name",
    extra_no_json: "This is not valid JSON",
    extra_own: "“{name}” has a field of its own: use that",
    extra_rounded: "This number is too large to be sent unchanged: put it in quotes, as text",
    extra_twice: "“{name}” is written twice",
    extra_value: "Value",
    extra_value_of: "Value of parameter {n}",
    extras: "Other parameters",
    extras_hint: "Sent to the provider as they are. A value is JSON; anything else is text. Put quotes around a number to send it as text.",
    kind_array: "list",
    kind_boolean: "yes or no",
    kind_null: "null",
    kind_number: "number",
    kind_object: "object",
    kind_string: "text",
  },
};
