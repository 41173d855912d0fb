package import Primitives

/// Which clients hold which inodes open. It matters only for inodes that are removed meanwhile: those
/// stay while somebody holds them. Part of the replicated state, and not of the tree.
struct ReferenceTable: Sendable {
    /// (inode, owner) and (owner, inode), each to the number of times it is held.
    private(set) var byInode: SortedMap<ReferenceKey, ReferenceCount>
    private(set) var byOwner: SortedMap<ReferenceKey, ReferenceCount>

    init(salt: UInt64 = 0) {
        byInode = SortedMap(salt: salt)
        byOwner = SortedMap(salt: salt)
    }

    var count: Int { byInode.count }

    func holds(_ inode: InodeID) -> Bool {
        byInode.first(from: ReferenceKey(inode.rawValue, 0))?.key.first == inode.rawValue
    }

    mutating func add(_ inode: InodeID, _ owner: UInt64, times: UInt32 = 1) {
        let key = ReferenceKey(inode.rawValue, owner)
        let count = ReferenceCount(value: (byInode[key]?.value ?? 0) + times)
        byInode.updateValue(count, forKey: key)
        byOwner.updateValue(count, forKey: key.swapped)
    }

    mutating func remove(_ inode: InodeID, _ owner: UInt64) {
        let key = ReferenceKey(inode.rawValue, owner)
        guard let count = byInode[key] else { return }
        if count.value > 1 {
            let less = ReferenceCount(value: count.value - 1)
            byInode.updateValue(less, forKey: key)
            byOwner.updateValue(less, forKey: key.swapped)
        } else {
            byInode.removeValue(forKey: key)
            byOwner.removeValue(forKey: key.swapped)
        }
    }

    /// Lets go of all that the owner holds and returns it.
    mutating func removeAll(of owner: UInt64) -> [InodeID] {
        var found: [InodeID] = []
        byOwner.forEach(from: ReferenceKey(owner, 0), to: ReferenceKey(owner, .max)) { key, _ in
            found.append(InodeID(key.second))
            return true
        }
        for inode in found {
            byInode.removeValue(forKey: ReferenceKey(inode.rawValue, owner))
            byOwner.removeValue(forKey: ReferenceKey(owner, inode.rawValue))
        }
        return found
    }
}

struct ReferenceKey: SortedMapKey, XDRCodable, Hashable {
    let first: UInt64
    let second: UInt64
    init(_ first: UInt64, _ second: UInt64) {
        self.first = first
        self.second = second
    }
    var swapped: ReferenceKey { ReferenceKey(second, first) }
    static func < (a: ReferenceKey, b: ReferenceKey) -> Bool { a.first != b.first ? a.first < b.first : a.second < b.second }
    func feed(_ hasher: inout KeyHasher) {
        hasher.combine(first)
        hasher.combine(second)
    }
    func encode(to writer: inout XDRWriter) {
        writer.write(first)
        writer.write(second)
    }
    init(from reader: inout XDRReader) throws(XDRError) { self.init(try reader.uint64(), try reader.uint64()) }
}

struct ReferenceCount: SortedMapValue {
    var value: UInt32
    init(value: UInt32) { self.value = value }
    func encode(to writer: inout XDRWriter) { writer.write(value) }
    init(from reader: inout XDRReader) throws(XDRError) { value = try reader.uint32() }
}

extension NamespaceState {
    mutating func openReference(_ inode: InodeID, _ owner: UInt64) throws(NamespaceError) -> NamespaceReply {
        let attributes = try tree.attributes(of: inode)
        guard references.count < NamespaceLimits.references else {
            throw NamespaceError(
                .noSpace, object: "\(inode)", cause: "\(references.count) inodes are held open, which is the limit",
                hint: "close some files")
        }
        references.add(inode, owner)
        return .object(ObjectReply(inode, attributes))
    }

    mutating func releaseReference(_ inode: InodeID, _ owner: UInt64) -> NamespaceReply {
        references.remove(inode, owner)
        if !references.holds(inode) { dropIfUnused(inode) }
        return .done
    }

    mutating func releaseReferences(_ owner: UInt64) -> NamespaceReply {
        for inode in references.removeAll(of: owner) where !references.holds(inode) { dropIfUnused(inode) }
        return .done
    }

    /// Whether anybody holds the inode open.
    package func isReferenced(_ inode: InodeID) -> Bool { references.holds(inode) }
}
