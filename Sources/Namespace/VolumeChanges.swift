package import Primitives

/// What a volume session changed: the difference of its private copy from the version that it began
/// with, complete enough to be merged onto any later version without that base.
///
/// Everything is ordered, and carries the fingerprint that it had in the base: an entry its target
/// and that target's `editID`, an inode its `editID`. Files carry their whole content where it
/// changed. New inodes have the provisional ids that the session gave them.
package struct VolumeChanges: Hashable, Sendable {
    /// The version that the session began with.
    package var base: VersionID
    /// Ordered by directory, then as directories are listed.
    package var entries: [EntryChange]
    /// Ordered by id.
    package var inodes: [InodeChange]
    /// The directories of the base in which anything changed, and all above them, ordered by id: what
    /// it takes to bring one back that someone else has removed meanwhile.
    package var directories: [DirectoryHint]

    package init(base: VersionID, entries: [EntryChange] = [], inodes: [InodeChange] = [], directories: [DirectoryHint] = []) {
        self.base = base
        self.entries = entries
        self.inodes = inodes
        self.directories = directories
    }

    package var isEmpty: Bool { entries.isEmpty && inodes.isEmpty }

    /// The chunks that the changes name, so that they can be placed before the commit.
    package var chunks: [ChunkReference] { inodes.flatMap { $0.content?.extents.map(\.chunk) ?? [] } }
}

package struct EntryChange: Hashable, Sendable {
    package var name: EntryName
    /// What the name stood for in the base, and the `editID` of that inode then.
    package var old: EntryTarget?
    package var oldEdit: UInt64
    package var new: EntryTarget?
    package init(name: EntryName, old: EntryTarget?, oldEdit: UInt64, new: EntryTarget?) {
        self.name = name
        self.old = old
        self.oldEdit = oldEdit
        self.new = new
    }
}

package struct InodeChange: Hashable, Sendable {
    package var id: InodeID
    /// As the session left it.
    package var inode: Inode
    /// Its fingerprint in the base; nil where the session made it.
    package var base: Fingerprint?
    /// The names that the session left it, of anything but a directory.
    package var names: [EntryName]
    /// The whole content of a file and the target of a symlink; nil where it is that of the base.
    package var content: FileContent?
    /// All extended attributes; nil where they are those of the base.
    package var xattrs: [Xattr]?

    package struct Fingerprint: Hashable, Sendable {
        package var editID: UInt64
        package var links: UInt32
        package init(editID: UInt64, links: UInt32) {
            self.editID = editID
            self.links = links
        }
    }

    package init(
        id: InodeID, inode: Inode, base: Fingerprint?, names: [EntryName], content: FileContent?, xattrs: [Xattr]?
    ) {
        self.id = id
        self.inode = inode
        self.base = base
        self.names = names
        self.content = content
        self.xattrs = xattrs
    }

    /// Whether the session meant this inode, and not only its names.
    package var isEdit: Bool { base.map { $0.editID != inode.editID } ?? true }
}

package struct DirectoryHint: Hashable, Sendable {
    package var id: InodeID
    /// As the session left it.
    package var inode: Inode
    /// Where the session left it; meaningless for the root.
    package var name: EntryName
    package init(id: InodeID, inode: Inode, name: EntryName) {
        self.id = id
        self.inode = inode
        self.name = name
    }
}

extension VolumeChanges: XDRCodable {
    package static let wireVersion: UInt32 = 1

    package func encode(to writer: inout XDRWriter) {
        writer.write(Self.wireVersion)
        writer.write(base)
        writer.write(entries)
        writer.write(inodes)
        writer.write(directories)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        let version = try reader.uint32()
        guard version == Self.wireVersion else { throw .badValue(what: "version of volume changes", value: UInt64(version)) }
        self.init(base: try reader.value(), entries: try reader.array(), inodes: try reader.array(), directories: try reader.array())
    }
}

extension EntryChange: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(name)
        writer.write(old)
        writer.write(oldEdit)
        writer.write(new)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(name: try reader.value(), old: try reader.optional(), oldEdit: try reader.uint64(), new: try reader.optional())
    }
}

extension InodeChange: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(inode)
        writer.write(base != nil)
        if let base {
            writer.write(base.editID)
            writer.write(base.links)
        }
        writer.write(names)
        writer.write(content)
        writer.write(xattrs != nil)
        if let xattrs { writer.write(xattrs) }
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        id = try reader.value()
        inode = try reader.value()
        base = try reader.bool() ? Fingerprint(editID: try reader.uint64(), links: try reader.uint32()) : nil
        names = try reader.array()
        content = try reader.optional()
        xattrs = try reader.bool() ? try reader.array(limit: NamespaceLimits.xattrs) : nil
    }
}

extension DirectoryHint: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        writer.write(id)
        writer.write(inode)
        writer.write(name)
    }
    package init(from reader: inout XDRReader) throws(XDRError) {
        self.init(id: try reader.value(), inode: try reader.value(), name: try reader.value())
    }
}
