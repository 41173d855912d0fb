import Filesystem
import Primitives

/// What is told of an object.
struct AttributeValues {
    var handle: FileHandle
    var attributes: FileAttributes
    /// Where it is a file system's root: the number of the directory below it.
    var mountedOn: UInt64?
    var statistics: FilesystemStatistics?
    /// What was written here and is not yet in the file: how many writes since the last one that is.
    var pendingWrites: UInt64 = 0
    var minor: UInt32
    var limits: NFSLimits

    /// Bytes that a file system without a quota is said to have.
    static let space: UInt64 = 1 << 50
    static let files: UInt64 = 1 << 32

    /// The change attribute: the file's own, and below it what is not in the file yet, so that each write shows and the file's
    /// next change is greater than all of them.
    var change: UInt64 { attributes.changeID << 16 | min(pendingWrites, 0xffff) }

    /// fattr4 of those of `wanted` that are served.
    func encode(_ wanted: AttributeSet, to writer: inout XDRWriter) {
        let supported = AttributeSet.supported(minor: minor)
        var told = wanted.intersection(supported)
        told.remove(.setAccessed)
        told.remove(.setModified)
        told.encode(to: &writer)
        var values = XDRWriter(reserving: 256)
        for attribute in told.attributes { encode(attribute, to: &values) }
        writer.write(opaque: values.bytes)
    }

    private func encode(_ attribute: Attribute, to writer: inout XDRWriter) {
        switch attribute {
        case .supported: AttributeSet.supported(minor: minor).encode(to: &writer)
        case .type: writer.write(attributes.type.number)
        // FH4_PERSISTENT.
        case .handleExpiry: writer.write(UInt32(0))
        case .change: writer.write(change)
        case .size: writer.write(attributes.size)
        case .linkSupport, .symlinkSupport, .uniqueHandles, .canSetTime, .casePreserving, .chownRestricted, .homogeneous, .noTruncation,
            .extendedAttributes:
            writer.write(true)
        case .namedAttributes, .caseInsensitive: writer.write(false)
        case .filesystem:
            switch handle {
            case .exports: writer.write(fixed: [UInt8](repeating: 0, count: 16))
            case .object(let filesystem, _):
                writer.write(filesystem.high)
                writer.write(filesystem.low)
            }
        case .leaseTime: writer.write(limits.leaseSeconds)
        case .readError: writer.write(NFSStatus.ok.rawValue)
        case .aclSupport: writer.write(UInt32(0))
        case .handle: writer.write(opaque: handle.bytes)
        case .fileID: writer.write(attributes.inode.rawValue)
        case .mountedOnFileID: writer.write(mountedOn ?? attributes.inode.rawValue)
        case .filesAvailable, .filesFree: writer.write(Self.files - min(Self.files, objects))
        case .filesTotal: writer.write(max(Self.files, objects))
        case .maximumFileSize: writer.write(UInt64(Int64.max))
        case .maximumLinks: writer.write(UInt32(65_000))
        case .maximumName: writer.write(UInt32(255))
        case .maximumRead, .maximumWrite: writer.write(UInt64(limits.transferBytes))
        case .mode: writer.write(attributes.mode & 0o7777)
        case .links: writer.write(attributes.links)
        // Numbers as text (RFC 8881 §5.9), which clients take where AUTH_SYS carries numbers anyway.
        case .owner: writer.write("\(attributes.owner)")
        case .ownerGroup: writer.write("\(attributes.group)")
        case .rawDevice:
            writer.write(UInt32(truncatingIfNeeded: attributes.device >> 32))
            writer.write(UInt32(truncatingIfNeeded: attributes.device))
        case .spaceAvailable, .spaceFree: writer.write(Self.space - min(Self.space, statistics?.bytes ?? 0))
        case .spaceTotal: writer.write(max(Self.space, statistics?.bytes ?? 0))
        case .spaceUsed: writer.write(attributes.allocated)
        case .accessed: writer.write(time: attributes.accessed)
        case .timeDelta:
            writer.write(Int64(0))
            writer.write(UInt32(1))
        case .changed: writer.write(time: attributes.changed)
        case .modified: writer.write(time: attributes.modified)
        case .exclusiveCreate: AttributeSet.exclusive.encode(to: &writer)
        case .setAccessed, .setModified: preconditionFailure("an attribute that can only be set was told")
        }
    }

    private var objects: UInt64 { (statistics?.files ?? 0) + (statistics?.directories ?? 0) }
}

extension FileType {
    /// nfs_ftype4.
    var number: UInt32 {
        switch self {
        case .file: 1
        case .directory: 2
        case .blockDevice: 3
        case .characterDevice: 4
        case .symlink: 5
        case .socket: 6
        case .fifo: 7
        }
    }
}

extension XDRWriter {
    /// nfstime4.
    mutating func write(time: WallTime) {
        let seconds = time.seconds
        write(seconds)
        // Rounded down, also before 1970.
        write(UInt32(time.nanoseconds - seconds * 1_000_000_000))
    }
}
