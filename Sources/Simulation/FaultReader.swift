import Primitives
import Workloads

/// The faults of a scenario's file. A place is a region (all its machines), `REGION/N` (its N-th
/// machine, from 1), or `all`.
struct FaultReader {
    let machines: [WorldOptions.Machines]
    let duration: Duration
    let storage: WorldOptions.StorageKind
    let filesystems: [Scenario.Filesystem]

    static let words = [
        "isolate", "mute", "deafen", "partition", "one_way", "crash", "pause", "starve", "stall_disk", "slow_disk", "full_disk",
        "fail_sync", "decay", "replace_disk", "step_clock", "drift_clock", "shift", "lossy", "leave", "upgrade", "join",
    ]
    static let settings = [
        "at_s", "for_s", "every_s", "times", "sudden", "factor", "chunks", "by_s", "by_ms", "ppm", "percent", "wire", "poisoned",
    ]

    func read(_ node: SettingsNode) throws(SettingsError) -> [Scenario.TimedFault] {
        var out: [Scenario.TimedFault] = []
        for item in try node.list(limit: 10_000) { try read(item, into: &out) }
        return out.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }.map(\.element)
    }

    private func read(_ item: SettingsNode, into out: inout [Scenario.TimedFault]) throws(SettingsError) {
        let table = try item.table(Self.words + Self.settings)
        let named = Self.words.filter { table[$0] != nil }
        guard named.count == 1, let word = named.first else {
            throw item.error(
                named.isEmpty ? "names no fault" : "names \(named.count) faults", hint: "one of \(Self.words.joined(separator: ", "))")
        }
        let first = try seconds(try table.required("at_s"))
        let times = try table["times"]?.integer(in: 1...10_000) ?? 1
        let every = try table["every_s"].map { node throws(SettingsError) in try seconds(node) } ?? .zero
        if times > 1, every == .zero { throw item.error("is repeated without every_s") }
        for round in 0..<times {
            let at = first + every * round
            guard at <= duration else { throw try table.required("at_s").error("is after the end of the scenario, duration_s") }
            try read(word, table, try table.required(word), at, into: &out)
        }
    }

    /// Disks that were replaced, whenever that was, hold nothing any more: somebody must keep a copy of everything.
    private func checkCopies(_ faults: [Scenario.TimedFault], _ item: SettingsNode) throws(SettingsError) {
        var lost: [Int] = []
        for case .replaceDisk(let node) in faults.map(\.fault) where !lost.contains(node) { lost.append(node) }
        guard lost.count < all.count else {
            throw item.error("would destroy all copies of everything", hint: "leave a machine its disk")
        }
        for filesystem in filesystems where filesystem.kind == .nfs {
            let home = machines(of: filesystem.home)
            guard home.contains(where: { !lost.contains($0) }) else {
                throw item.error(
                    "would destroy all copies of \(filesystem.name), which lie in \(filesystem.home) alone",
                    hint: "leave a machine there its disk")
            }
        }
    }

    private func machines(of region: RegionID) -> [Int] {
        var first = 0
        var found: [Int] = []
        // A region comes twice where some of its machines come late.
        for machines in machines {
            if machines.region == region { found += first..<(first + machines.count) }
            first += machines.count
        }
        return found
    }

    private func seconds(_ node: SettingsNode) throws(SettingsError) -> Duration {
        .nanoseconds(Int64(try node.number(from: 0, to: 1_000_000) * 1e9))
    }

    private func read(
        _ word: String, _ table: SettingsTable, _ value: SettingsNode, _ at: Duration, into out: inout [Scenario.TimedFault]
    ) throws(SettingsError) {
        func span() throws(SettingsError) -> Duration { try seconds(try table.required("for_s")) }
        func add(_ fault: Fault, _ undo: Fault?) throws(SettingsError) {
            out.append(.init(at: at, fault: fault))
            // Without an end it lasts until the faults are over.
            if let undo, table["for_s"] != nil { out.append(.init(at: at + (try span()), fault: undo)) }
        }
        switch word {
        case "isolate", "mute", "deafen":
            let inside = try places(value)
            let outside = all.filter { !inside.contains($0) }
            guard !outside.isEmpty else { throw value.error("leaves nobody outside") }
            if word != "deafen" { try add(.cut(from: inside, to: outside), .uncut(from: inside, to: outside)) }
            if word != "mute" { try add(.cut(from: outside, to: inside), .uncut(from: outside, to: inside)) }
        case "partition", "one_way":
            let (a, b) = try pair(value)
            try add(.cut(from: a, to: b), .uncut(from: a, to: b))
            if word == "partition" { try add(.cut(from: b, to: a), .uncut(from: b, to: a)) }
        case "crash":
            let isSudden = try table["sudden"]?.flag() ?? true
            for node in try places(value) { try add(.crash(node, isSudden: isSudden), .restart(node)) }
        case "pause":
            let length = try span().inNanoseconds
            for node in try places(value) { try add(.pause(node, nanoseconds: length), nil) }
        case "starve":
            let length = try span().inNanoseconds
            for node in try places(value) { try add(.stallPackets(node, nanoseconds: length), nil) }
        case "stall_disk":
            let length = try span().inNanoseconds
            for node in try places(value) { try add(.stallDisk(node, nanoseconds: length), nil) }
        case "slow_disk":
            let factor = try table.required("factor").integer(in: 2...100_000)
            for node in try places(value) { try add(.slowDisk(node, factor: factor), .slowDisk(node, factor: 1)) }
        case "full_disk": for node in try places(value) { try add(.fillDisk(node, isFull: true), .fillDisk(node, isFull: false)) }
        case "fail_sync":
            guard storage == .real else { throw value.error("no sync of a stand-in fails", hint: "set storage: real") }
            for node in try places(value) { try add(.failSync(node), nil) }
        case "decay":
            let count = try table["chunks"]?.integer(in: 1...1_000_000) ?? 1
            for node in try places(value) { try add(.decay(node, chunks: count), nil) }
        case "replace_disk":
            for node in try places(value) { try add(.replaceDisk(node), nil) }
            try checkCopies(out, value)
        case "step_clock":
            let by = Int64(try table.required("by_s").number(from: -1_000_000, to: 1_000_000) * 1e9)
            for node in try places(value) { try add(.stepClock(node, nanoseconds: by), .stepClock(node, nanoseconds: -by)) }
        case "drift_clock":
            let ppm = Int64(try table.required("ppm").integer(in: -45_000...45_000))
            for node in try places(value) { try add(.driftClock(node, ppm: ppm), .driftClock(node, ppm: 0)) }
        case "shift":
            let (a, b) = try regions(value)
            let by = Int64(try table.required("by_ms").number(from: 0, to: 10_000) * 1e6)
            try add(.shift(a, b, nanoseconds: by), .shift(a, b, nanoseconds: 0))
        case "lossy":
            let (a, b) = try regions(value)
            let loss = Int(try table.required("percent").number(from: 0, to: 100) * 100)
            try add(.lossy(a, b, loss: min(9_999, loss)), .lossy(a, b, loss: 0))
        case "join": for node in try places(value) { try add(.restart(node), nil) }
        case "upgrade":
            let wire = try Scenario.span(try table.required("wire"), 1...100)
            let isPoisoned = try table["poisoned"]?.flag() ?? false
            for node in try places(value) {
                // Its end is the way back to the first program.
                try add(
                    .upgrade(node, oldest: wire.lowerBound, newest: wire.upperBound, isPoisoned: isPoisoned),
                    .upgrade(node, oldest: 1, newest: 1, isPoisoned: false))
            }
        default: for node in try places(value) { try add(.leave(node), nil) }
        }
    }

    // MARK: Places

    private var all: [Int] { Array(0..<machines.reduce(0) { $0 + $1.count }) }

    private func places(_ node: SettingsNode) throws(SettingsError) -> [Int] {
        let text = try node.text(limit: 80)
        if text == "all" { return all }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        let found = machines(of: RegionID(String(parts[0])))
        if !found.isEmpty {
            if parts.count == 1 { return found }
            guard parts.count == 2, let number = Int(parts[1]), (1...found.count).contains(number) else {
                throw node.error("\(text) is no node", hint: "\(parts[0])/1 to \(parts[0])/\(found.count)")
            }
            return [found[number - 1]]
        }
        throw node.error(
            "\(text) is no region or node", hint: Suggestion.sentence(for: String(parts[0]), among: machines.map(\.region.name)))
    }

    private func pair(_ node: SettingsNode) throws(SettingsError) -> ([Int], [Int]) {
        let items = try node.list(limit: 2)
        guard items.count == 2 else { throw node.error("needs two places") }
        let (a, b) = (try places(items[0]), try places(items[1]))
        guard a.allSatisfy({ !b.contains($0) }) else { throw node.error("the two places overlap") }
        return (a, b)
    }

    private func regions(_ node: SettingsNode) throws(SettingsError) -> (RegionID, RegionID) {
        let items = try node.list(limit: 2)
        guard items.count == 2 else { throw node.error("needs two regions") }
        var out: [RegionID] = []
        for item in items {
            let text = try item.text(limit: 64)
            guard machines.contains(where: { $0.region.name == text }) else {
                throw item.error("no node is in \(text)", hint: Suggestion.sentence(for: text, among: machines.map(\.region.name)))
            }
            out.append(RegionID(text))
        }
        return (out[0], out[1])
    }
}
