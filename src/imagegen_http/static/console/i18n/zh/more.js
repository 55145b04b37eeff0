// The sentences about the fields under advanced in Chinese; ../en/more.js has the same keys.

export default {
  more: {
    second: "备选",
    second_hint: "只有确定首选没有收费时才改用它，例如余额不足或无法连接。",
    no_second: "无",
    changed_meanwhile: "上一次的请求可能已被接受，内容与现在不同。请先看任务，再按一次会另外生成。",
    too_much: "这些图片一起太大：一次请求最多约 {size}",
    nowhere_title: "没有这个页面",
    nowhere_why: "地址可能写错了，或者页面已经移走。",
    of_input: "第 {n} 张：{reason}",
    drop_value: "去掉 {name}",
    kept_values: "此模型没有这 {n} 项设置：已保留，不会发送。",
    random: "随机",
    seed_lock: "锁定种子",
    seed_locked: "已锁定：每次都用这个种子",
    seed_random: "每次随机",
    seed_roll: "换一个种子",
  },
};
