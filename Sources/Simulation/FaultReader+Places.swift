import Primitives
import Workloads

// Places of faults: a region (all its machines), `REGION/N` (its N-th machine, from 1), or `all`.
extension FaultReader {
    var machines: [WorldOptions.Machines] { options.machines }

    func machines(of region: RegionID) -> [Int] {
        var first = 0
        var found: [Int] = []
        // A region comes twice where some of its machines come late.
        for machines in machines {
            if machines.region == region { found += first..<(first + machines.count) }
            first += machines.count
        }
        return found
    }

    var all: [Int] { Array(0..<machines.reduce(0) { $0 + $1.count }) }

    func name(of node: Int) -> String {
        var first = 0
        for machines in machines {
            if node < first + machines.count, let number = self.machines(of: machines.region).firstIndex(of: node) {
                return "\(machines.region)/\(number + 1)"
            }
            first += machines.count
        }
        return "n\(node + 1)"
    }

    /// The machines of a place. One that is named by itself must be there `at` that time.
    func places(_ node: SettingsNode, of word: String = "", at: Duration? = .zero) throws(SettingsError) -> [Int] {
        let found = try places(node)
        guard let at, found.count == 1, let one = found.first, options.late.contains(one), word != "join" else { return found }
        guard let joined = joins[one] else { throw node.error("\(name(of: one)) is not there", hint: "let it join before") }
        guard joined <= at else { throw node.error("\(name(of: one)) is not there yet", hint: "it joins later") }
        return found
    }

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

    func pair(_ node: SettingsNode) throws(SettingsError) -> ([Int], [Int]) {
        let items = try node.list(limit: 2)
        guard items.count == 2 else { throw node.error("needs two places") }
        let (a, b) = (try places(items[0]), try places(items[1]))
        guard a.allSatisfy({ !b.contains($0) }) else { throw node.error("the two places overlap") }
        return (a, b)
    }

    func regions(_ node: SettingsNode) throws(SettingsError) -> (RegionID, RegionID) {
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

    /// What decays; nil: chunks.
    func rottenPart(_ table: SettingsTable) throws(SettingsError) -> RottenPart? {
        guard let node = table["what"] else { return nil }
        let text = try node.text(limit: 16)
        guard text != "chunks" else { return nil }
        guard let part = RottenPart(rawValue: text) else { throw node.error("\(text) is none of chunks, log and snapshots") }
        guard options.storage == .real else { throw node.error("a stand-in has none that could decay", hint: "set storage: real") }
        if let chunks = table["chunks"] { throw chunks.error("counts chunks, and \(text) decays", hint: "leave it out") }
        return part
    }

    /// What stays broken when the rest is healed. The rest must be able to go on.
    func minority(_ node: SettingsNode, _ faults: [Scenario.TimedFault]) throws(SettingsError) -> Scenario.Minority {
        let words = Scenario.Minority.State.allCases.map(\.rawValue)
        let table = try node.table(words)
        let given = Scenario.Minority.State.allCases.filter { table[$0.rawValue] != nil }
        guard given.count == 1, let state = given.first else {
            throw node.error("names \(given.count) states", hint: "one of \(words.joined(separator: ", "))")
        }
        let value = try table.required(state.rawValue)
        let machines = try places(value)
        guard machines.count < options.nodeCount else { throw value.error("leaves nobody to go on") }
        if faults.contains(where: { if case .decay = $0.fault { true } else { false } }) {
            throw value.error("would perhaps leave out the last sound copy of what decays", hint: "leave out the fault decay")
        }
        let losses = faults.compactMap { fault -> DiskLosses.Loss? in
            fault.fault.lostDisk.map { DiskLosses.Loss(node: $0, at: fault.at) }
        }
        let check = DiskLosses(options, filesystems: filesystems, joins: joins)
        if let reason = check.objection(leavingOut: machines, besides: losses) {
            throw value.error(reason, hint: "the others must be able to go on")
        }
        return Scenario.Minority(machines: machines, state: state)
    }
}
