package import Primitives

/// What a client of a network file system believes without asking: attributes and directory
/// entries for `lifetime` (Linux's `actimeo`; RFC 8881 §10.6–10.8 leaves the time to the client).
/// Opening a file always asks (close-to-open consistency, RFC 8881 §10.3.1). There is no negative
/// caching: a name that was missing is asked for each time, so that pollers see it at once.
package struct NFSCaches: Sendable {
    /// Entries of each cache; the oldest go first.
    package static let capacity = 65_536

    private struct EntryKey: Hashable, Sendable {
        let directory: InodeID
        let name: [UInt8]
    }

    private var attributes: [InodeID: (value: FileAttributes, expires: Instant)] = [:]
    private var entries: [EntryKey: (inode: InodeID, type: FileType, expires: Instant)] = [:]
    private var attributeOrder = BoundedQueue<InodeID>(capacity: capacity)
    private var entryOrder = BoundedQueue<EntryKey>(capacity: capacity)
    private let lifetime: Duration

    package init(lifetime: Duration) { self.lifetime = lifetime }

    package func attributes(of inode: InodeID, now: Instant) -> FileAttributes? {
        guard let cached = attributes[inode], cached.expires > now else { return nil }
        return cached.value
    }

    package func entry(_ name: [UInt8], in directory: InodeID, now: Instant) -> (inode: InodeID, type: FileType)? {
        guard let cached = entries[EntryKey(directory: directory, name: name)], cached.expires > now else { return nil }
        return (cached.inode, cached.type)
    }

    package mutating func learn(_ value: FileAttributes, now: Instant) {
        guard lifetime > .zero else { return }
        if attributes[value.inode] == nil {
            if attributeOrder.isFull, let oldest = attributeOrder.pop() { attributes[oldest] = nil }
            _ = attributeOrder.push(value.inode)
        }
        attributes[value.inode] = (value, now + lifetime)
    }

    package mutating func learn(_ name: [UInt8], in directory: InodeID, _ value: FileAttributes, now: Instant) {
        learn(value, now: now)
        guard lifetime > .zero else { return }
        let key = EntryKey(directory: directory, name: name)
        if entries[key] == nil {
            if entryOrder.isFull, let oldest = entryOrder.pop() { entries[oldest] = nil }
            _ = entryOrder.push(key)
        }
        entries[key] = (value.inode, value.type, now + lifetime)
    }

    /// Forgets by letting it expire: the order queues then need no search.
    package mutating func forget(_ inode: InodeID) {
        if let cached = attributes[inode] { attributes[inode] = (cached.value, .zero) }
    }

    package mutating func forget(_ name: [UInt8], in directory: InodeID) {
        let key = EntryKey(directory: directory, name: name)
        if let cached = entries[key] { entries[key] = (cached.inode, cached.type, .zero) }
        forget(directory)
    }
}
