package import Filesystem
import Membership
package import Primitives
import Replication

// What requests wait for, in words: for those who look while they wait, and for the failure at the
// deadline. Bounded text, the same for the same state.

/// A request of this node's front ends that has not been answered yet.
package struct RequestWait: Sendable, Hashable {
    package let operation: String
    /// A path or an open file, and the file system by its name.
    package let object: String
    /// Nil for a change of the catalog.
    package let filesystem: FilesystemID?
    /// Nil while it is being opened.
    package let session: SessionID?
    /// What it waits for, in words.
    package let waitsFor: String
    package let waited: Duration
    /// Until the deadline.
    package let left: Duration
}

extension NodeState {
    /// So many are shown, the oldest first.
    package static var waitsShown: Int { 100 }

    /// Requests of front ends that have waited for longer than this.
    package func waits(longerThan limit: Duration, now: Instant) -> [RequestWait] {
        var out: [RequestWait] = []
        for key in requests.order {
            guard out.count < Self.waitsShown else { break }
            guard let record = requests.peek(key), now - record.began > limit else { continue }
            var session: SessionID?
            switch record.kind {
            case .operation(_, let id, _, _): session = id
            case .open, .catalog: break
            case .compound, .background, .clone: continue
            }
            out.append(
                RequestWait(
                    operation: record.kind.name, object: Self.short(object(of: record.kind)), filesystem: filesystem(of: record.kind),
                    session: session, waitsFor: waitingFor(record), waited: now - record.began, left: max(.zero, record.deadline - now)))
        }
        return out
    }

    private static func short(_ text: String) -> String { text.utf8.count > 300 ? String(text.prefix(60)) + "…" : text }

    // MARK: Of what

    private func filesystem(of kind: RequestKind) -> FilesystemID? {
        switch kind {
        case .open(_, let filesystem, _): filesystem
        case .operation(_, let session, _, _): sessions[session]?.filesystem
        case .compound(_, _, let compound, _, _): compound.filesystem
        case .clone(_, _, let order): order.source
        case .catalog, .background: nil
        }
    }

    /// `volume 'data'`; by its id where it has no name, or none that is known here.
    func label(_ filesystem: FilesystemID) -> String {
        guard let name = catalogRecord(filesystem)?.name else { return "\(filesystem.kind.noun) \(filesystem)" }
        return "\(filesystem.kind.noun) '\(name)'"
    }

    /// What a request is about, with the name of its file system.
    func object(of kind: RequestKind) -> String {
        guard let filesystem = filesystem(of: kind) else { return kind.object }
        switch kind {
        case .operation(_, _, let operation, _) where operation.object != "session": return "\(operation.object) in \(label(filesystem))"
        case .compound(let from, _, _, _, _): return "\(label(filesystem)) from \(from)"
        default: return label(filesystem)
        }
    }

    // MARK: For what

    /// What a request waits for: the first of its steps that have begun and not ended.
    func waitingFor(_ record: RequestRecord) -> String {
        let open = record.progress.begun.filter { record.progress.ended[$0.key] == nil }
        // In any order: no two steps have the same place and number.
        guard let first = open.min(by: { ($0.key.place.rawValue, $0.key.number) < ($1.key.place.rawValue, $1.key.number) }) else {
            return "an earlier operation of the same session"
        }
        let place = first.key.place
        switch place {
        case .lookup, .call, .write, .readIndex, .propose, .window: return "\(place.words): \(leaderWords(record.kind))"
        case .wait:
            if case .operation(_, _, .lock, _) = record.kind { return "the lock, which somebody else holds" }
            if let version = record.progress.published { return "regions to have \(version) whole" }
            return "\(Step.Place.readIndex.words): \(leaderWords(record.kind))"
        case .place: return "\(place.words): \(placementWords(first.value))"
        case .fetch: return "\(place.words)\(fetchWords(first.value))"
        case .applied:
            let tokens: [WaitToken] = open.filter { $0.key.place == .applied }.map(\.value).sorted()
            let asked: [String] = tokens.compactMap { token in fixedDestination(token).map { placed($0) } }
            if !asked.isEmpty { return "\(place.words): \(Self.list(asked)) \(asked.count == 1 ? "has" : "have") not yet" }
            return "this node's replica to catch up: \(leaderWords(record.kind))"
        case .store, .read, .buffer: return place.words
        }
    }

    /// Who was asked by the call that ends this wait, where it is a call to one node.
    private func fixedDestination(_ token: WaitToken) -> NodeID? { calls.calls.first { $0.value.token == token }?.value.fixed }

    /// Who leads the group that a request needs, and which of its voters are alive.
    private func leaderWords(_ kind: RequestKind) -> String {
        var id = GroupID.catalog
        var name = "the catalog"
        // One that the catalog does not know yet is looked for there.
        if let filesystem = filesystem(of: kind), let own = group(of: filesystem) { (id, name) = (own, label(filesystem)) }
        let leader: String
        if groups[id]?.isLeader ?? false {
            leader = "\(name) is led here"
        } else if let known = groups[id]?.leader ?? leaderHints[id] {
            leader = "\(name) is led by \(placed(known))" + (isAlive(known) ? "" : ", which does not answer")
        } else {
            leader = "no leader of \(name) is heard"
        }
        return "\(leader); \(voterWords(knownVoters(of: id)))"
    }

    /// `of its voters' regions a, b, c only a is alive`; where all vote in one region, their names.
    private func voterWords(_ voters: [NodeID]) -> String {
        guard !voters.isEmpty else { return "its voters are not known here" }
        var regions: [RegionID] = []
        for region in voters.compactMap({ region(of: $0) }).sorted() where regions.last != region { regions.append(region) }
        guard regions.count > 1 else {
            let names = voters.sorted()
            let alive = names.filter { isAlive($0) }
            let place = regions.first.map { " in \($0)" } ?? ""
            let words = Self.list(names.map { name($0) })
            return "of its voters\(place) \(words) \(Self.share(alive.map { name($0) }, of: names.count))"
        }
        let alive = regions.compactMap { place -> String? in
            let there = voters.filter { region(of: $0) == place }
            let count = there.count { isAlive($0) }
            return count == 0 ? nil : count == there.count ? place.name : "\(place) (\(count) of \(there.count))"
        }
        return "of its voters' regions \(Self.list(regions.map(\.name))) \(Self.share(alive, of: regions.count))"
    }

    private static func share(_ alive: [String], of all: Int) -> String {
        switch alive.count {
        case 0: "none is alive"
        case all where all > 1: "all are alive"
        case all: "is alive"
        case 1: "only \(alive[0]) is alive"
        default: "only \(list(alive)) are alive"
        }
    }

    /// Which regions hold what a commit names, and which do not answer.
    private func placementWords(_ token: WaitToken) -> String {
        guard let entry = placements.first(where: { $0.value.waiting.contains(token) })?.value else { return "they are on their way" }
        // Each look is bounded; a region that is away lacks the first chunk already.
        let copies = entry.copies.prefix(16_384)
        let regions = entry.rule.commit.regions.map(\.id)
        let holding = regions.filter { region in copies.allSatisfy { entry.rule.holding(copiesIn: $0).contains(region) } }
        let missing = regions.filter { !holding.contains($0) }
        let away = missing.filter { region in !directory.contains { $0.value.region == region && isAlive($0.key) } }
        var words =
            holding.isEmpty ? "no region holds all of it" : "\(Self.list(holding.map(\.name))) hold\(holding.count == 1 ? "s" : "") it"
        if !missing.isEmpty { words += ", not yet \(Self.list(missing.map(\.name)))" }
        if !away.isEmpty { words += "; \(Self.list(away.map(\.name))) \(away.count == 1 ? "does" : "do") not answer" }
        return words
    }

    private func fetchWords(_ token: WaitToken) -> String {
        guard let progress = fetches.progress(of: ChunkWaiterID(token.rawValue)) else { return "" }
        var words = ": \(progress.missing) \(progress.missing == 1 ? "is" : "are") missing"
        if !progress.asked.isEmpty { words += "; asked \(Self.list(progress.asked.map { placed($0) }))" }
        if !progress.failed.isEmpty { words += "; asked in vain \(Self.list(progress.failed.map { "\(placed($0.node)): \($0.reason)" }))" }
        return words
    }

    // MARK: Names

    private func isAlive(_ node: NodeID) -> Bool { swim.member(node)?.status == .alive }
    private func name(_ node: NodeID) -> String { directory[node]?.name ?? node.description }
    private func placed(_ node: NodeID) -> String { "\(name(node)) in \(region(of: node)?.name ?? "an unknown region")" }

    /// At most twelve of them.
    private static func list(_ names: [String]) -> String {
        names.prefix(12).joined(separator: ", ") + (names.count > 12 ? " and \(names.count - 12) more" : "")
    }
}
