// The sentences about templates and the fields under advanced in English; ../zh/more.js has the same keys.

export default {
  more: {
    drop_value: "Drop {name}",
    keep_prompt: "Keep the current prompt",
    no_templates: "Prompts that you want again can be kept here, in this browser only.",
    drop_template: "Remove template {n}",
    kept_values: { one: "This model does not have this setting: it is kept, but not sent.", other: "This model does not have these {n} settings: they are kept, but not sent." },
    random: "Random",
    seed_lock: "Lock the seed",
    seed_locked: "Locked: this seed every time",
    seed_random: "A new seed every time",
    seed_roll: "Roll a new seed",
  },
};
