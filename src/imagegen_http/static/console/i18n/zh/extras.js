// The sentences about parameters without a field in Chinese; ../en/extras.js has the same keys.

export default {
  extras: {
    add_extra: "添加参数",
    drop_extra: "去掉第 {n} 个参数",
    extra_empty: "请填写值；空文本写作 \"\"",
    extra_name: "参数名",
    extra_name_of: "第 {n} 个参数的名称",
    extra_nameless: "请填写参数名",
    extra_no_json: "不是有效的 JSON",
    extra_own: "“{name}”有自己的栏位，请在那里填写",
    extra_rounded: "数字太大，发送时会被改动；请加引号写成文本",
    extra_twice: "“{name}”写了两次",
    extra_value: "值",
    extra_value_of: "第 {n} 个参数的值",
    extras: "其他参数",
    extras_hint: "原样发给服务商。值按 JSON 解析，不是 JSON 的作为文本发送；要把数字作为文本发送，请加引号。",
    kind_array: "列表",
    kind_boolean: "是或否",
    kind_null: "空值",
    kind_number: "数字",
    kind_object: "对象",
    kind_string: "文本",
  },
};
