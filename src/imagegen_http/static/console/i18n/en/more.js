// The sentences about the fields under advanced in English; ../zh/more.js has the same keys.

export default {
  more: {
    second: "Second choice",
    second_hint: "Used only when the first choice has certainly charged nothing: it is out of credit, or cannot be reached.",
    no_second: "None",
    changed_meanwhile: "The previous request, with other content, may have been accepted. Please check the tasks first; pressing again generates another one.",
    too_much: "These images are too large together: a request takes at most about {size}",
    nowhere_title: "There is no such page",
    nowhere_why: "The address may be mistyped, or the page has moved.",
    of_input: "No. {n}: {reason}",
    drop_value: "Drop {name}",
    kept_values: { one: "This model does not have this setting: it is kept, but not sent.", other: "This model does not have these {n} settings: they are kept, but not sent." },
    random: "Random",
    seed_lock: "Lock the seed",
    seed_locked: "Locked: this seed every time",
    seed_random: "A new seed every time",
    seed_roll: "Roll a new seed",
  },
};
