package import Primitives

/// How much a tree holds, kept with every change.
package struct NamespaceStatistics: Hashable, Sendable {
    package var files: UInt64 = 0
    package var directories: UInt64 = 0
    package var symlinks: UInt64 = 0
    /// Fifos, sockets and devices.
    package var others: UInt64 = 0
    /// Sizes of regular files added up, holes included.
    package var bytes: UInt64 = 0
    /// Bytes of content stored.
    package var allocated: UInt64 = 0

    package init() {}
    package var inodes: UInt64 { files + directories + symlinks + others }

    mutating func add(_ inode: Inode) {
        count(inode.type, by: 1)
        // Sizes of sparse files may add up to more than 64 bits hold; the sum wraps, and wraps back.
        if inode.type == .file { bytes &+= inode.size }
        allocated &+= inode.allocated
    }

    mutating func remove(_ inode: Inode) {
        count(inode.type, by: UInt64.max)
        if inode.type == .file { bytes &-= inode.size }
        allocated &-= inode.allocated
    }

    private mutating func count(_ type: InodeType, by change: UInt64) {
        switch type {
        case .file: files &+= change
        case .directory: directories &+= change
        case .symlink: symlinks &+= change
        case .fifo, .socket, .characterDevice, .blockDevice: others &+= change
        }
    }
}

extension NamespaceStatistics: XDRCodable {
    package func encode(to writer: inout XDRWriter) {
        for value in [files, directories, symlinks, others, bytes, allocated] { writer.write(value) }
    }

    package init(from reader: inout XDRReader) throws(XDRError) {
        files = try reader.uint64()
        directories = try reader.uint64()
        symlinks = try reader.uint64()
        others = try reader.uint64()
        bytes = try reader.uint64()
        allocated = try reader.uint64()
    }
}
