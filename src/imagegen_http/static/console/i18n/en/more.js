// The sentences about the fields under advanced in English; ../zh/more.js has the same keys.

export default {
  more: {
    drop_value: "Drop {name}",
    kept_values: { one: "This model has no such setting: it is kept, and not sent.", other: "This model has no such {n} settings: they are kept, and not sent." },
    random: "Random",
    seed_lock: "Lock the seed",
    seed_locked: "Locked: the same one each time",
    seed_random: "Another one each time",
    seed_roll: "Roll a seed",
  },
};
