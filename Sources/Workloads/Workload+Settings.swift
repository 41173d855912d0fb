internal import Primitives

// A workload from the tree of its file. Every error names file, line and key.
extension Workload {
    package static let schema = 1

    package init(settings root: SettingsNode) throws(SettingsError) {
        let table = try root.table([
            "schema", "name", "title", "imitates", "seed", "repetitions", "concurrent_regions", "clients", "inputs", "limits", "mix",
        ])
        let version = try table.required("schema")
        guard try version.integer(in: 1...1_000) == Self.schema else {
            throw version.error("this version is not known", hint: "this program reads version \(Self.schema)")
        }
        let name = try table.required("name")
        let text = try name.text(limit: 64)
        guard !text.isEmpty, text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (97...122).contains($0) || (48...57).contains($0) }) else {
            throw name.error("\(text) is no name", hint: "use 1 to 64 of a–z, 0–9 and -")
        }
        let inputs = try table["inputs"].map { node throws(SettingsError) in try Inputs(settings: node) } ?? Inputs()
        let limits = try table["limits"].map { node throws(SettingsError) in try Limits(settings: node) } ?? Limits()
        self.init(
            name: text, title: try table.required("title").text(limit: 200), imitates: try table.required("imitates").text(),
            seed: try table.required("seed").unsigned(), repetitions: try table["repetitions"]?.integer(in: 1...20) ?? 3,
            concurrentRegions: try table["concurrent_regions"]?.flag() ?? true, clients: try table["clients"]?.integer(in: 1...16) ?? 1,
            inputs: inputs, limits: limits, mix: try Self.mix(try table.required("mix"), inputs))
    }

    private static func mix(_ node: SettingsNode, _ inputs: Inputs) throws(SettingsError) -> [Mix] {
        let offered = WorkloadOperation.allCases.filter(\.mayBeMixed)
        var mix: [Mix] = []
        for entry in try node.entries(limit: 64) {
            guard let operation = offered.first(where: { $0.rawValue == entry.key }) else {
                throw entry.value.error("unknown operation", hint: Suggestion.sentence(for: entry.key, among: offered.map(\.rawValue)))
            }
            guard !mix.contains(where: { $0.operation == operation }) else { throw entry.value.error("given twice") }
            let counts = try entry.value.table(["cold", "warm"])
            let line = Mix(
                operation: operation, cold: try counts.required("cold").integer(in: 1...10_000),
                warm: try counts["warm"]?.integer(in: 0...10_000) ?? 0)
            try requireInputs(for: operation, inputs, entry.value)
            mix.append(line)
        }
        guard !mix.isEmpty else { throw node.error("has no operation") }
        return mix
    }

    private static func requireInputs(for operation: WorkloadOperation, _ inputs: Inputs, _ node: SettingsNode) throws(SettingsError) {
        let missing: String? =
            switch operation {
            case .list, .stat, .openReadClose: inputs.treeFiles > 0 ? nil : "tree_files"
            case .readSequential, .readRandom, .saveCheckpoint, .resume, .putRevision: inputs.largeFiles > 0 ? nil : "large_files"
            case .readLatest, .updateRecord, .lockCycle, .contendedUpdate, .lockRefused: inputs.records > 0 ? nil : "records"
            default: nil
            }
        if let missing { throw node.error("needs inputs.\(missing) above 0") }
    }
}

extension Workload.Inputs {
    init(settings node: SettingsNode) throws(SettingsError) {
        let table = try node.table([
            "tree_files", "tree_file_size", "large_files", "large_file_size", "records", "record_size", "write_size", "checkpoint_size",
            "edits", "edit_size",
        ])
        self.init()
        if let node = table["tree_files"] { treeFiles = try node.integer(in: 0...100_000) }
        if let node = table["tree_file_size"] { treeFileSize = try node.bytes(in: 1...(1 << 20)) }
        if let node = table["large_files"] { largeFiles = try node.integer(in: 0...10_000) }
        if let node = table["large_file_size"] { largeFileSize = try node.bytes(in: (1 << 20)...(16 << 30)) }
        if let node = table["records"] { records = try node.integer(in: 0...10_000) }
        if let node = table["record_size"] { recordSize = UInt32(try node.bytes(in: 1...(1 << 20))) }
        if let node = table["write_size"] { writeSize = UInt32(try node.bytes(in: 1...(4 << 20))) }
        if let node = table["checkpoint_size"] { checkpointSize = try node.bytes(in: (1 << 20)...(16 << 30)) }
        if let node = table["edits"] { edits = try node.integer(in: 1...10_000) }
        if let node = table["edit_size"] { editSize = UInt32(try node.bytes(in: 1...(1 << 20))) }
    }
}

extension Workload.Limits {
    init(settings node: SettingsNode) throws(SettingsError) {
        let table = try node.table(["prepare_seconds", "cold_seconds", "warm_seconds", "samples_min"])
        self.init()
        if let node = table["prepare_seconds"] { prepare = .nanoseconds(Int64(try node.number(from: 0, to: 86_400) * 1e9)) }
        if let node = table["cold_seconds"] { cold = .nanoseconds(Int64(try node.number(from: 0, to: 86_400) * 1e9)) }
        if let node = table["warm_seconds"] { warm = .nanoseconds(Int64(try node.number(from: 0, to: 86_400) * 1e9)) }
        if let node = table["samples_min"] { samplesMin = try node.integer(in: 1...1_000) }
    }
}
