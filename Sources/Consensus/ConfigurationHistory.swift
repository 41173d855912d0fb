import Primitives

/// The configurations along the log: the one before its beginning, then those of its entries. An
/// entry's configuration is in force as soon as it is in the log, so cutting the log's end brings
/// an earlier one back. There are few; walking them is cheap.
struct ConfigurationHistory: Sendable {
    private(set) var items: [(index: UInt64, configuration: RaftConfiguration)]
    /// Set when `current` has changed, until it was reported.
    var changed = true

    init(base: UInt64, _ configuration: RaftConfiguration, log: RaftLog) {
        items = [(base, configuration)]
        for entry in log.entries where entry.kind == .configuration { append(entry) }
    }

    var current: RaftConfiguration { items[items.count - 1].configuration }
    var currentIndex: UInt64 { items[items.count - 1].index }

    mutating func append(_ entry: RaftEntry) {
        // The decoder, the restored log's check and the proposer have all read it before.
        guard let configuration = try? RaftConfiguration(xdr: entry.payload) else {
            preconditionFailure("entry \(entry) does not hold a configuration")
        }
        items.append((entry.index, configuration))
        changed = true
    }

    mutating func truncate(from index: UInt64) {
        while items.count > 1, currentIndex >= index {
            items.removeLast()
            changed = true
        }
    }

    /// Forgets what was superseded at or before `index`.
    mutating func compact(through index: UInt64) {
        while items.count > 1, items[1].index <= index { items.removeFirst() }
    }

    mutating func reset(index: UInt64, _ configuration: RaftConfiguration) {
        changed = changed || configuration != current
        items = [(index, configuration)]
    }

    /// The configuration in force at `index`; nil where that is forgotten.
    func at(_ index: UInt64) -> RaftConfiguration? { items.last { $0.index <= index }?.configuration }

    /// Whether `node` may stand for election. One without a vote in the newest configuration may
    /// still be needed to commit it (thesis §4.2.2): if it had one before, and that is not yet past.
    func mayCampaign(_ node: NodeID, commitIndex: UInt64) -> Bool {
        for item in items.reversed() {
            if item.configuration.isVoter(node) { return true }
            if item.index <= commitIndex { return false }
        }
        return false
    }

    func isAlwaysOnly(_ node: NodeID) -> Bool { items.allSatisfy { $0.configuration.members == [node] } }
}
