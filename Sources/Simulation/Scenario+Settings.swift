import Filesystem
import Primitives
package import Workloads

/// What must be known of a scenario's file before its map can be read.
package struct ScenarioHeader: Sendable {
    package let map: String
    /// The file only names a map: all else is drawn from the seed.
    package let isSwarm: Bool

    package init(settings root: SettingsNode) throws(SettingsError) {
        let table = try root.table(Scenario.keys)
        let version = try table.required("schema")
        guard try version.integer(in: 1...1_000) == Scenario.schema else {
            throw version.error("this version is not known", hint: "this program reads version \(Scenario.schema)")
        }
        map = try table["map"]?.text(limit: 256) ?? "aws"
        isSwarm = try table["swarm"]?.flag() ?? false
        let taken = ["schema", "name", "title", "swarm", "map"]
        for entry in try root.entries() where isSwarm && !taken.contains(entry.key) {
            throw entry.value.error("a swarm draws it from the seed", hint: "it takes \(taken.joined(separator: ", "))")
        }
    }
}

// A scenario from the tree of its file (docs/reference/scenarios.md). Every error names file, line and key.
extension Scenario {
    package static let schema = 1
    static let keys = [
        "schema", "name", "title", "swarm", "map", "nodes", "late", "gossip_only", "filesystems", "idle_volumes", "clients", "network",
        "disk", "storage", "clocks", "nodes_settings", "duration_s", "faults", "stays_broken", "expect",
    ]
    package static let nodesMax = 64
    package static let gossipNodesMax = 4_000

    package init(settings root: SettingsNode, map: RegionMap) throws(SettingsError) {
        let table = try root.table(Self.keys)
        let gossipOnly = try table["gossip_only"]?.flag() ?? false
        let machines = try Self.machines(try table.required("nodes"), map, limit: gossipOnly ? Self.gossipNodesMax : Self.nodesMax)
        var options = WorldOptions(map: map, machines: machines)
        if let node = table["late"] { try Self.late(node, machines, &options) }
        if let node = table["network"] { options.weather = try NetworkWeather(settings: node) }
        if let node = table["disk"] { options.disk = try DiskWeather(settings: node) }
        if let node = table["storage"] { options.storage = try Self.storage(node) }
        if let node = table["clocks"] {
            options.driftPPM = try node.table(["drift_ppm"])["drift_ppm"]?.integer(in: 0...45_000) ?? options.driftPPM
        }
        if let node = table["nodes_settings"] {
            let settings = try node.table([
                "snapshot_entries", "chunk_size", "encode_messages", "upkeep_interval_s", "garbage_grace_s", "replica_grace_s",
            ])
            if let node = settings["snapshot_entries"] { options.snapshotEntries = UInt64(try node.integer(in: 1...10_000_000)) }
            if let node = settings["chunk_size"] { options.chunkBytes = try node.bytes(in: 4_096...(64 << 20)) }
            if let node = settings["upkeep_interval_s"] {
                options.upkeepInterval = .nanoseconds(Int64(try node.number(from: 1, to: 86_400) * 1e9))
            }
            if let node = settings["garbage_grace_s"] {
                options.garbageGrace = .nanoseconds(Int64(try node.number(from: 1, to: 2_592_000) * 1e9))
            }
            if let node = settings["replica_grace_s"] {
                options.replicaGrace = .nanoseconds(Int64(try node.number(from: 1, to: 86_400) * 1e9))
            }
            if let node = settings["encode_messages"] { options.encodes = try node.flag() }
        }
        self.init(
            name: try Self.name(try table.required("name")), title: try table.required("title").text(limit: 200), options: options)
        self.gossipOnly = gossipOnly
        duration = .nanoseconds(Int64(try table.required("duration_s").number(from: 1, to: 1_000_000) * 1e9))
        if let node = table["filesystems"] { filesystems = try Self.filesystems(node, machines) }
        if let node = table["idle_volumes"] { idleVolumes = try node.integer(in: 0...20_000) }
        if let node = table["clients"] { clients = try Self.clients(node, filesystems, machines) }
        var reader = FaultReader(options, duration: duration, filesystems: filesystems, gossipOnly: gossipOnly)
        if let node = table["faults"] { faults = try reader.read(node) }
        if let node = table["stays_broken"] { minority = try reader.minority(node, faults) }
        if let node = table["expect"] { expectations = try Expectations(settings: node) }
        if gossipOnly { try Self.checkGossip(table) }
    }

    static func name(_ node: SettingsNode) throws(SettingsError) -> String {
        let text = try node.text(limit: 64)
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (97...122).contains($0) || (48...57).contains($0) }) else {
            throw node.error("\(text) is no name", hint: "use 1 to 64 of a–z, 0–9 and -")
        }
        return text
    }

    private static func machines(_ node: SettingsNode, _ map: RegionMap, limit: Int) throws(SettingsError) -> [WorldOptions.Machines] {
        var out: [WorldOptions.Machines] = []
        var total = 0
        for entry in try node.entries(limit: 200) {
            guard map.contains(RegionID(entry.key)) else {
                throw entry.value.error(
                    "the map \(map.name) has no region \(entry.key)",
                    hint: Suggestion.sentence(for: entry.key, among: map.regions.map(\.id.name)))
            }
            guard !out.contains(where: { $0.region.name == entry.key }) else { throw entry.value.error("given twice") }
            let count = try entry.value.integer(in: 1...limit)
            total += count
            guard total <= limit else { throw entry.value.error("\(total) nodes; at most \(limit)") }
            out.append(WorldOptions.Machines(region: RegionID(entry.key), count: count))
        }
        guard !out.isEmpty else { throw node.error("has no region") }
        return out
    }

    /// The last machines of some regions come late; their numbers follow those of all others.
    private static func late(
        _ node: SettingsNode, _ machines: [WorldOptions.Machines], _ options: inout WorldOptions
    ) throws(SettingsError) {
        var late: [WorldOptions.Machines] = []
        for entry in try node.entries(limit: 200) {
            guard let place = machines.firstIndex(where: { $0.region.name == entry.key }) else {
                throw entry.value.error(
                    "no node is in \(entry.key)", hint: Suggestion.sentence(for: entry.key, among: machines.map(\.region.name)))
            }
            let count = try entry.value.integer(in: 1...max(1, machines[place].count))
            guard count < machines[place].count else { throw entry.value.error("a region begins with one machine at least") }
            options.machines[place].count -= count
            late.append(WorldOptions.Machines(region: machines[place].region, count: count))
        }
        let founders = options.nodeCount
        options.machines += late
        options.late = Array(founders..<options.nodeCount)
    }

    private static func region(_ node: SettingsNode, _ machines: [WorldOptions.Machines]) throws(SettingsError) -> RegionID {
        let text = try node.text(limit: 64)
        guard machines.contains(where: { $0.region.name == text }) else {
            throw node.error("no node is in \(text)", hint: Suggestion.sentence(for: text, among: machines.map(\.region.name)))
        }
        return RegionID(text)
    }

    private static func storage(_ node: SettingsNode) throws(SettingsError) -> WorldOptions.StorageKind {
        let text = try node.text(limit: 32)
        guard let kind = WorldOptions.StorageKind(rawValue: text) else {
            throw node.error("\(text) is neither real nor stand-in")
        }
        return kind
    }

    private static func filesystems(_ node: SettingsNode, _ machines: [WorldOptions.Machines]) throws(SettingsError) -> [Filesystem] {
        var out: [Filesystem] = []
        for item in try node.list(limit: 1_000) {
            let table = try item.table(["name", "kind", "home"])
            let name = try name(try table.required("name"))
            guard !out.contains(where: { $0.name == name }) else { throw item.error("\(name) is given twice") }
            let word = try table.required("kind")
            guard let kind = FilesystemKind.allCases.first(where: { $0.word == (try? word.text(limit: 16)) }) else {
                throw word.error("is neither nfs nor volume")
            }
            out.append(Filesystem(name: name, kind: kind, home: try region(try table.required("home"), machines)))
        }
        return out
    }

    private static func clients(
        _ node: SettingsNode, _ filesystems: [Filesystem], _ machines: [WorldOptions.Machines]
    ) throws(SettingsError) -> [ClientPlan] {
        var out: [ClientPlan] = []
        for item in try node.list(limit: 100) {
            let table = try item.table([
                "filesystem", "regions", "per_region", "files", "think_ms", "large_one_in", "large_bytes", "staged_max", "roam_after_s",
                "if_unchanged_percent", "lock_percent", "names_percent", "edit_percent",
            ])
            let name = try table.required("filesystem")
            let text = try name.text(limit: 64)
            guard let place = filesystems.firstIndex(where: { $0.name == text }) else {
                throw name.error("there is no file system \(text)", hint: Suggestion.sentence(for: text, among: filesystems.map(\.name)))
            }
            var regions = machines.map(\.region)
            if let node = table["regions"] {
                regions = []
                for item in try node.list(limit: 200) { regions.append(try region(item, machines)) }
                guard !regions.isEmpty else { throw node.error("has no region") }
            }
            var plan = ClientPlan(filesystem: place, regions: regions, count: try table["per_region"]?.integer(in: 1...1_000) ?? 1)
            if let node = table["files"] { plan.files = try node.integer(in: 1...1_000) }
            if let node = table["think_ms"] { plan.thinkMilliseconds = try span(node, 0...3_600_000) }
            if let node = table["large_one_in"] { plan.largeOneIn = try node.integer(in: 0...1_000) }
            if let node = table["large_bytes"] { plan.largeBytes = try span(node, 4_097...4_000_000) }
            if let node = table["staged_max"] { plan.stagedMax = try node.integer(in: 1...1_000) }
            if let node = table["if_unchanged_percent"] { plan.ifUnchangedPercent = try node.integer(in: 0...100) }
            if let node = table["lock_percent"] { plan.lockPercent = try node.integer(in: 0...100) }
            if let node = table["edit_percent"] { plan.editPercent = try node.integer(in: 0...100) }
            if let node = table["names_percent"] { plan.namesPercent = try node.integer(in: 0...100) }
            try checkKind(filesystems[place], table)
            if let node = table["roam_after_s"] { plan.roamAfter = .nanoseconds(Int64(try node.number(from: 1, to: 86_400) * 1e9)) }
            out.append(plan)
        }
        return out
    }

    /// One figure, or two: at least, at most.
    static func span(_ node: SettingsNode, _ range: ClosedRange<Int>) throws(SettingsError) -> ClosedRange<Int> {
        if case .scalar = node.value {
            let figure = try node.integer(in: range)
            return figure...figure
        }
        let items = try node.list(limit: 2)
        guard items.count == 2 else { throw node.error("needs one figure, or two: at least, at most") }
        let low = try items[0].integer(in: range)
        let high = try items[1].integer(in: range)
        guard low <= high else { throw node.error("\(low) is more than \(high)") }
        return low...high
    }
}

extension NetworkWeather {
    package init(settings node: SettingsNode) throws(SettingsError) {
        let table = try node.table(["loss_percent", "duplicate_percent", "reorder_percent", "jitter_percent"])
        self.init()
        if let node = table["loss_percent"] { loss = Int(try node.number(from: 0, to: 50) * 100) }
        if let node = table["duplicate_percent"] { duplication = Int(try node.number(from: 0, to: 50) * 100) }
        if let node = table["reorder_percent"] { reordering = Int(try node.number(from: 0, to: 50) * 100) }
        if let node = table["jitter_percent"] { jitter = try node.integer(in: 0...10_000) }
    }
}

extension DiskWeather {
    package init(settings node: SettingsNode) throws(SettingsError) {
        let table = try node.table(["sync_us", "mib_per_s"])
        self.init()
        if let node = table["sync_us"] { syncMicroseconds = try Scenario.span(node, 1...10_000_000) }
        if let node = table["mib_per_s"] { bytesPerSecond = try node.integer(in: 1...100_000) << 20 }
    }
}

extension Scenario.Expectations {
    init(settings node: SettingsNode) throws(SettingsError) {
        let table = try node.table([
            "operations_min", "commits_min", "commits_at_leader_percent", "commits_among_voters_percent", "recovery_max_s",
            "undecided_max",
        ])
        self.init()
        if let node = table["operations_min"] { operationsMin = try node.unsigned() }
        if let node = table["commits_min"] { commitsMin = try node.unsigned() }
        if let node = table["commits_at_leader_percent"] { commitsAtLeaderPercent = UInt64(try node.integer(in: 0...100)) }
        if let node = table["commits_among_voters_percent"] { commitsAmongVotersPercent = UInt64(try node.integer(in: 0...100)) }
        if let node = table["undecided_max"] { undecidedMax = try node.unsigned() }
        if let node = table["recovery_max_s"] { recoveryMax = .nanoseconds(Int64(try node.number(from: 1, to: 86_400) * 1e9)) }
    }
}
