import CFuse
import Filesystem
import Glibc
import NIOCore
import Primitives

/// The table of libfuse's callbacks. Each copies what the kernel lent it for the call, and hands the rest to a task.
enum FUSEOperations {
    static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text else { return [] }
        return Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
    }

    static func table(localLocks: Bool) -> fuse_lowlevel_ops {
        var table = fuse_lowlevel_ops()
        table.`init` = { _, connection in FUSEOperations.agree(connection) }
        addNames(&table)
        addAttributes(&table)
        addFiles(&table)
        addDirectories(&table)
        if !localLocks { addLocks(&table) }
        return table
    }

    /// What the kernel may do by itself. Set-id bits it takes away with a SETATTR, since the session may be root's, to
    /// whom the file system leaves them; O_TRUNC comes as a SETATTR too.
    private static func agree(_ connection: UnsafeMutablePointer<fuse_conn_info>?) {
        guard let connection else { return }
        let unwanted = [
            FUSE_CAP_HANDLE_KILLPRIV, FUSE_CAP_ATOMIC_O_TRUNC, FUSE_CAP_SPLICE_READ, FUSE_CAP_SPLICE_WRITE, FUSE_CAP_SPLICE_MOVE,
            FUSE_CAP_WRITEBACK_CACHE,
        ]
        for flag in unwanted { connection.pointee.want &= ~UInt32(flag) }
        connection.pointee.max_write = 1 << 20
        connection.pointee.max_readahead = 1 << 20
        connection.pointee.max_background = 64
        connection.pointee.congestion_threshold = 48
        connection.pointee.time_gran = 1
    }

    // MARK: Names

    private static func addNames(_ table: inout fuse_lowlevel_ops) {
        table.lookup = { request, parent, name in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.lookup(UInt64(parent), name))
            }
        }
        table.forget = { request, number, count in
            FUSESession.of(request!).files.forget(UInt64(number), count)
            fuse_reply_none(request)
        }
        table.forget_multi = { request, count, list in
            let files = FUSESession.of(request!).files
            for index in 0..<count { files.forget(UInt64(list![index].ino), list![index].nlookup) }
            fuse_reply_none(request)
        }
        table.mkdir = { request, parent, name, mode in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.makeDirectory(UInt64(parent), name, mode: mode, by: asked.caller))
            }
        }
        table.mknod = { request, parent, name, mode, device in
            let name = FUSEOperations.bytes(name)
            let place = UInt64(atoll_fuse_major(UInt64(device))) << 32 | UInt64(atoll_fuse_minor(UInt64(device)))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.makeNode(UInt64(parent), name, mode: mode, device: place, by: asked.caller))
            }
        }
        table.symlink = { request, target, parent, name in
            let (target, name) = (FUSEOperations.bytes(target), FUSEOperations.bytes(name))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.symlink(target, UInt64(parent), name, by: asked.caller))
            }
        }
        table.link = { request, number, parent, name in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.link(UInt64(number), UInt64(parent), name))
            }
        }
        let remove: @convention(c) (fuse_req_t?, fuse_ino_t, UnsafePointer<CChar>?) -> Void = { request, parent, name in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.remove(UInt64(parent), name)
                asked.done()
            }
        }
        table.unlink = remove
        table.rmdir = remove
        table.rename = { request, parent, name, newParent, newName, flags in
            let from = Place(parent: UInt64(parent), name: FUSEOperations.bytes(name))
            let to = Place(parent: UInt64(newParent), name: FUSEOperations.bytes(newName))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.rename(from, to: to, flags: flags)
                asked.done()
            }
        }
        table.readlink = { request, number in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(link: try await asked.session.files.readLink(UInt64(number)))
            }
        }
    }

    // MARK: Attributes

    private static func addAttributes(_ table: inout fuse_lowlevel_ops) {
        table.getattr = { request, number, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.status(UInt64(number)))
            }
        }
        table.setattr = { request, number, status, valid, _ in
            let changes = FUSEOperations.changes(status!.pointee, UInt32(bitPattern: valid))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.change(UInt64(number), changes))
            }
        }
        table.statfs = { request, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(try await asked.session.files.statistics())
            }
        }
        table.getxattr = { request, number, name, room in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(attribute: try await asked.session.files.extendedAttribute(UInt64(number), name), room: room)
            }
        }
        table.setxattr = { request, number, name, value, size, flags in
            let name = FUSEOperations.bytes(name)
            let value = Array(UnsafeRawBufferPointer(start: value, count: size))
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.setExtendedAttribute(UInt64(number), name, value, flags: flags)
                asked.done()
            }
        }
        table.listxattr = { request, number, room in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                let names = try await asked.session.files.extendedAttributes(UInt64(number))
                asked.reply(attribute: Array(names.map { $0 + [0] }.joined()), room: room)
            }
        }
        table.removexattr = { request, number, name in
            let name = FUSEOperations.bytes(name)
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                try await asked.session.files.removeExtendedAttribute(UInt64(number), name)
                asked.done()
            }
        }
    }

    private static func changes(_ status: stat, _ valid: UInt32) -> AttributeChanges {
        func has(_ flag: Int32) -> Bool { valid & UInt32(flag) != 0 }
        var changes = AttributeChanges()
        if has(FUSE_SET_ATTR_MODE) { changes.mode = status.st_mode & 0o7777 }
        if has(FUSE_SET_ATTR_UID) { changes.owner = status.st_uid }
        if has(FUSE_SET_ATTR_GID) { changes.group = status.st_gid }
        if has(FUSE_SET_ATTR_SIZE) { changes.size = UInt64(max(0, status.st_size)) }
        if has(FUSE_SET_ATTR_ATIME) { changes.accessed = has(FUSE_SET_ATTR_ATIME_NOW) ? .civil : WallTime(status.st_atim) }
        if has(FUSE_SET_ATTR_MTIME) { changes.modified = has(FUSE_SET_ATTR_MTIME_NOW) ? .civil : WallTime(status.st_mtim) }
        return changes
    }

    // MARK: Directories

    private static func addDirectories(_ table: inout fuse_lowlevel_ops) {
        table.opendir = { request, number, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                asked.reply(directory: try asked.session.files.openDirectory(UInt64(number)))
            }
        }
        table.readdir = { request, number, room, offset, info in
            FUSEOperations.list(request!, number, room, offset, info!.pointee.fh, withAttributes: false)
        }
        table.readdirplus = { request, number, room, offset, info in
            FUSEOperations.list(request!, number, room, offset, info!.pointee.fh, withAttributes: true)
        }
        table.releasedir = { request, _, info in
            FUSESession.of(request!).files.releaseDirectory(info!.pointee.fh)
            fuse_reply_err(request, 0)
        }
        // `sync MOUNTPOINT` syncs the mount's own directory: that publishes what a volume has staged.
        table.fsyncdir = { request, number, _, _ in
            FUSESession.of(request!).carryOut(request!) { asked throws(FileFailure) in
                if number == NodeTable.root { try await asked.session.files.commit("sync") }
                asked.done()
            }
        }
    }

    private static func list(
        _ request: fuse_req_t, _ number: fuse_ino_t, _ room: Int, _ offset: Int, _ handle: UInt64, withAttributes: Bool
    ) {
        FUSESession.of(request).carryOut(request) { asked throws(FileFailure) in
            let items = try await asked.session.files.entries(handle, after: UInt64(UInt(bitPattern: offset)))
            asked.reply(items, parent: UInt64(number), room: room, withAttributes: withAttributes)
        }
    }
}
