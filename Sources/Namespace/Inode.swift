package import Primitives

/// What an inode is. The raw values are wire numbers.
package enum InodeType: UInt32, Sendable, Hashable, CaseIterable {
    case file = 1
    case directory = 2
    case symlink = 3
    case fifo = 4
    case socket = 5
    case characterDevice = 6
    case blockDevice = 7
}

/// The attributes of one inode.
///
/// *Counters.* `changeID` grows with every change of the inode, its entries or its links; it is the
/// change attribute of NFSv4 (RFC 8881 §5.8.1.4). `editID` is the `changeID` of the last change of
/// content, extended attributes or attributes set by a user, and not of a rename, a link or an entry
/// in a directory: it is the fingerprint by which commits find conflicts. Both are drawn from one
/// counter of the file system that never goes back, so a value names one state of one inode for ever,
/// past a rollback too.
///
/// *What the digest covers.* Type, mode, links, owner, group, size, allocation, device and the time
/// of modification. Not the counters, the times of access, change and birth, the verifier and the
/// place, which tell of history or repeat what entries say.
package struct Inode: Hashable, Sendable {
    package var type: InodeType
    /// Permission, set-id and sticky bits: 07777.
    package var mode: UInt32
    /// Names of a file; 2 and the number of subdirectories of a directory; 0 once removed but open.
    package var links: UInt32
    package var owner: UInt32
    package var group: UInt32
    /// Bytes of a file, of a symlink's target; entries of a directory.
    package var size: UInt64
    /// Bytes of content stored: all extents and the inline content.
    package var allocated: UInt64
    /// Major number in the upper, minor in the lower 32 bits, of devices.
    package var device: UInt64
    package var accessed: WallTime
    package var modified: WallTime
    package var changed: WallTime
    package var born: WallTime
    package var changeID: UInt64
    package var editID: UInt64
    /// The verifier of an exclusive create (RFC 8881 §18.16.3); 0 for none.
    package var verifier: UInt64
    /// The directory of the only name, and the hash of that name; both 0 where the inode has none or
    /// several names (then there are link records). Directories have one name always.
    package var parent: InodeID
    package var nameHash: UInt64

    init(type: InodeType, mode: UInt32, owner: UInt32, group: UInt32, stamp: Stamp) {
        self.type = type
        self.mode = mode & 0o7777
        links = type == .directory ? 2 : 0
        self.owner = owner
        self.group = group
        size = 0
        allocated = 0
        device = 0
        accessed = stamp.time
        modified = stamp.time
        changed = stamp.time
        born = stamp.time
        changeID = stamp.change
        editID = stamp.change
        verifier = 0
        parent = InodeID(0)
        nameHash = 0
    }

    package var isDirectory: Bool { type == .directory }

    mutating func touch(_ stamp: Stamp) {
        changed = stamp.time
        changeID = stamp.change
    }

    /// As `touch`, and the user meant this inode.
    mutating func edit(_ stamp: Stamp) {
        touch(stamp)
        editID = stamp.change
    }

    /// What a write or a change of owner by anyone but root does to the set-id bits.
    mutating func clearSetID() {
        guard type == .file else { return }
        mode &= ~0o4000
        // Set-group-id without group execution marks mandatory locking, not privilege.
        if mode & 0o010 != 0 { mode &= ~0o2000 }
    }
}

/// When a command happened, and the value of the change counter that it drew.
struct Stamp {
    let time: WallTime
    let change: UInt64
}

extension Inode: XDRCodable {
    func encodeContent(to writer: inout XDRWriter) {
        writer.write(type.rawValue)
        writer.write(mode)
        writer.write(links)
        writer.write(owner)
        writer.write(group)
        writer.write(size)
        writer.write(allocated)
        writer.write(device)
        writer.write(modified)
    }

    package func encode(to writer: inout XDRWriter) {
        encodeContent(to: &writer)
        writer.write(accessed)
        writer.write(changed)
        writer.write(born)
        writer.write(changeID)
        writer.write(editID)
        writer.write(verifier)
        writer.write(parent)
        writer.write(nameHash)
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        type = try InodeType(from: &reader)
        mode = try reader.uint32()
        guard mode <= 0o7777 else { throw .badValue(what: "mode", value: UInt64(mode)) }
        links = try reader.uint32()
        owner = try reader.uint32()
        group = try reader.uint32()
        size = try reader.uint64()
        allocated = try reader.uint64()
        device = try reader.uint64()
        modified = try reader.value()
        accessed = try reader.value()
        changed = try reader.value()
        born = try reader.value()
        changeID = try reader.uint64()
        editID = try reader.uint64()
        verifier = try reader.uint64()
        parent = try reader.value()
        nameHash = try reader.uint64()
    }

    func volatileHash(salt: UInt64) -> UInt64 {
        var hasher = KeyHasher(salt: salt)
        for word in [accessed.nanoseconds, changed.nanoseconds, born.nanoseconds] { hasher.combine(UInt64(bitPattern: word)) }
        for word in [changeID, editID, verifier, parent.rawValue, nameHash] { hasher.combine(word) }
        return hasher.finish()
    }
}

extension InodeType: XDRCodable {
    package func encode(to writer: inout XDRWriter) { writer.write(rawValue) }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let raw = try reader.uint32()
        guard let type = InodeType(rawValue: raw) else { throw .badValue(what: "type of inode", value: UInt64(raw)) }
        self = type
    }
}
