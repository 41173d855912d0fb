import Filesystem
import Primitives

/// What SETATTR, and the operations that make something, are told to set (fattr4).
struct SettableAttributes: Hashable, Sendable {
    var changes = AttributeChanges()
    /// SET_TO_SERVER_TIME4.
    var accessedNow = false
    var modifiedNow = false
    /// What was asked for, and is told back.
    var named = AttributeSet()

    /// The times of the server put in.
    func at(_ civil: WallTime) -> AttributeChanges {
        var changes = changes
        if accessedNow { changes.accessed = civil }
        if modifiedNow { changes.modified = civil }
        return changes
    }

    var setsTimesToValues: Bool { changes.accessed != nil || changes.modified != nil }
    var isEmpty: Bool { named.isEmpty }
}

extension Arguments {
    /// fattr4 of attributes that may be set; others are NFS4ERR_ATTRNOTSUPP, those that can only be read NFS4ERR_INVAL.
    mutating func settable() throws(Stop) -> SettableAttributes {
        let set = try bitmap()
        let values = try opaque(limit: 1 << 16)
        guard set.isSubset(of: AttributeSet.supported(minor: 2)) else { throw .status(.attrnotsupp) }
        guard set.isSubset(of: .settable) else { throw .status(.inval) }
        var found = SettableAttributes(named: set)
        found.changes.followsLinks = false
        var reader = Arguments(XDRReader(values))
        for attribute in set.attributes {
            switch attribute {
            case .size:
                let size = try reader.uint64()
                guard size <= UInt64(Int64.max) else { throw .status(.fbig) }
                found.changes.size = size
            case .mode:
                let mode = try reader.uint32()
                guard mode & ~0o7777 == 0 else { throw .status(.inval) }
                found.changes.mode = mode
            case .owner: found.changes.owner = try reader.number()
            case .ownerGroup: found.changes.group = try reader.number()
            case .setAccessed: (found.changes.accessed, found.accessedNow) = try reader.time()
            case .setModified: (found.changes.modified, found.modifiedNow) = try reader.time()
            default: throw .status(.inval)
            }
        }
        guard reader.remaining == 0 else { throw .status(.badxdr) }
        return found
    }

    /// An owner: a number as text; names would need a directory that all hosts agree on.
    private mutating func number() throws(Stop) -> UInt32 {
        let text = String(decoding: try opaque(limit: 1_024), as: UTF8.self)
        guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first), let number = UInt32(text) else {
            throw .status(.badowner)
        }
        return number
    }

    /// settime4.
    private mutating func time() throws(Stop) -> (WallTime?, Bool) {
        switch try uint32() {
        case 0: return (nil, true)
        case 1:
            let seconds = Int64(bitPattern: try uint64())
            let nanoseconds = try uint32()
            guard nanoseconds < 1_000_000_000 else { throw .status(.inval) }
            let (product, over) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
            let (sum, overSum) = product.addingReportingOverflow(Int64(nanoseconds))
            guard !over, !overSum else { throw .status(.inval) }
            return (WallTime(nanoseconds: sum), false)
        default: throw .status(.badxdr)
        }
    }
}
