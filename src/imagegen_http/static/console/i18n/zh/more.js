// The sentences about the fields under advanced in Chinese; ../en/more.js has the same keys.

export default {
  more: {
    drop_value: "去掉 {name}",
    kept_values: "此模型没有这 {n} 项设置：已保留，不会发送。",
    random: "随机",
    seed_lock: "锁定种子",
    seed_locked: "已锁定：每次都用这个种子",
    seed_random: "每次随机",
    seed_roll: "换一个种子",
  },
};
