import Primitives
import Workloads

// Keys that are known, and would do nothing in the scenario that has them.
extension Scenario {
    /// What membership alone does not have would be passed over.
    static func checkGossip(_ table: SettingsTable) throws(SettingsError) {
        if let node = table["filesystems"] ?? table["clients"] {
            throw node.error("a scenario of gossip only has no file systems", hint: "leave filesystems and clients out")
        }
        for key in ["late", "idle_volumes", "disk", "storage", "clocks", "nodes_settings", "stays_broken"] {
            if let node = table[key] { throw node.error("a scenario of gossip only has none of it", hint: "leave \(key) out") }
        }
        func refuse(_ key: String, _ known: [String]) throws(SettingsError) {
            for entry in try table[key]?.entries() ?? [] where !known.contains(entry.key) {
                throw entry.value.error("a scenario of gossip only does not know it", hint: "it takes \(known.joined(separator: ", "))")
            }
        }
        try refuse("network", ["loss_percent", "jitter_percent"])
        try refuse("expect", ["recovery_max_s"])
    }

    /// Some of what clients do only those of one kind do.
    static func checkKind(_ filesystem: Filesystem, _ table: SettingsTable) throws(SettingsError) {
        let others = filesystem.kind == .nfs ? ["staged_max", "if_unchanged_percent", "edit_percent"] : ["lock_percent", "names_percent"]
        for key in others {
            guard let node = table[key] else { continue }
            throw node.error(
                "\(filesystem.name) is \(filesystem.kind == .nfs ? "a network file system" : "a volume"): its clients do no such thing")
        }
    }
}
