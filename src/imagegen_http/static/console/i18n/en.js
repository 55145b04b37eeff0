// The sentences of the console in English; zh.js has the same keys. A sentence may differ by number: { one, other }.

export default {
  act: {
    again: "Try again",
    apply: "Apply",
    cancel: "Cancel",
    clear: "Clear",
    close: "Close",
    copied: "Copied",
    copy: "Copy",
    delete: "Delete",
    download: "Download",
    edit: "Edit",
    more: "Load more",
    save: "Save",
    star: "Add to favourites",
    undo: "Undo",
    unstar: "Remove from favourites",
  },
  state: {
    loading: "Loading",
    pending: "Waiting",
    processing: "Generating",
    completed: "Completed",
    failed: "Failed",
    cancelled: "Cancelled",
    cancelling: "Cancelling",
  },
  time: {
    today: "Today",
    yesterday: "Yesterday",
    seconds: "{n} s",
    minutes: "{m} min {s} s",
    hours: "{h} h {m} min",
  },
  cost: {
    none: "Free",
    unknown: "Cost unknown",
    about: "about {amount}",
    possible: "May have been charged",
  },
  operations: {
    generate: "Text to image",
    reference: "References",
    edit: "Edit",
    upscale: "Upscale",
    recontext: "Background",
    segment: "Segment",
  },
  roles: {
    image: "Image",
    mask: "Mask",
    reference: "Reference",
  },
  problem: {
    unreachable: "The service cannot be reached; make sure that it runs",
    slow: "The service has not answered for long; please try again",
    unreadable: "The answer of the service cannot be read (HTTP {status})",
    login: "Please log in first",
    page: "The page could not be loaded; please reload",
    input_gone: "The image “{name}” is no longer in this browser; please add it again",
  },
  shell: {
    skip: "Skip to the content",
    home: "imagegen, home",
    ways: "Pages",
    search: "Search",
    search_hint: "Search any word of a prompt",
    language: "中文",
    light: "Light colours",
    dark: "Dark colours",
    logout: "Log out",
    running: { one: "{n} task has not ended", other: "{n} tasks have not ended" },
  },
  connection: {
    connecting: "Connecting",
    connecting_why: "Connecting to the service",
    open: "Connected",
    open_why: "Changes of tasks are shown at once",
    lost: "Disconnected",
    lost_why: "The service cannot be reached; the page goes on by itself when it is back",
  },
  pages: {
    create: "Create",
    gallery: "Gallery",
    picture: "Image",
    editor: "Edit",
    tasks: "Tasks",
    providers: "Providers",
    usage: "Usage",
    settings: "Settings",
  },
  nowhere: {
    title: "There is no such page",
    why: "The address may be mistyped, or the page has moved.",
    act: "Create an image",
  },
  images: {
    broken: "The image cannot be shown",
    deleted: { one: "{n} image deleted", other: "{n} images deleted" },
    not_deleted: "Not deleted: {reason}",
    open: "Show image: {prompt}",
    unnamed: "Image {id}",
    select: "Select",
  },

  // Create
  create: {},

  // Gallery
  gallery: {},

  // Image
  picture: {},

  // Editor
  editor: {},

  // Tasks
  tasks: {},

  // Providers
  providers: {},

  // Usage
  usage: {},

  // Settings
  settings: {},
};
