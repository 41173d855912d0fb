internal import Primitives

// The table that the program carries, for where none was measured: what one machine's calls took, no
// promise of another's. `atoll compare --both` measures one's own.
extension WorkloadCosts {
    package static let standard = WorkloadCosts(
        entries: [
            .init(.nfs, .create, microseconds: 614.5),
            .init(.nfs, .write, microseconds: 390.9, nanosecondsPerUnit: 0.4723),
            .init(.nfs, .publish, microseconds: 1107.5),
            .init(.nfs, .stat, microseconds: 399.7),
            .init(.nfs, .open, microseconds: 400.7),
            .init(.nfs, .read, microseconds: 461.3, nanosecondsPerUnit: 0.9371),
            .init(.nfs, .readAgain, microseconds: 396.8, nanosecondsPerUnit: 0.0745),
            .init(.nfs, .close, microseconds: 366.6),
            .init(.nfs, .lock, microseconds: 609.9),
            .init(.nfs, .sync, microseconds: 1070.2),
            .init(.nfs, .rename, microseconds: 604.6),
            .init(.nfs, .remove, microseconds: 592.8),
            .init(.nfs, .readPart, microseconds: 426.3),
            .init(.nfs, .readPartAgain, microseconds: 409.2),
            .init(.nfs, .list, microseconds: 407.3, nanosecondsPerUnit: 4649.175),
            .init(.volume, .create, microseconds: 582.5),
            .init(.volume, .write, microseconds: 424.2, nanosecondsPerUnit: 1.0687),
            .init(.volume, .publish, microseconds: 1006.1),
            .init(.volume, .commit, microseconds: 1718.7, nanosecondsPerUnit: 2.3727),
            .init(.volume, .reload, microseconds: 698.8),
            .init(.volume, .reloadLocal, microseconds: 506.4),
            .init(.volume, .stat, microseconds: 475.2),
            .init(.volume, .open, microseconds: 414.9),
            .init(.volume, .read, microseconds: 416, nanosecondsPerUnit: 0.9678),
            .init(.volume, .readAgain, microseconds: 379.8, nanosecondsPerUnit: 0.2809),
            .init(.volume, .close, microseconds: 375),
            .init(.volume, .rename, microseconds: 402.7),
            .init(.volume, .remove, microseconds: 347.4),
            .init(.volume, .readPart, microseconds: 460),
            .init(.volume, .readPartAgain, microseconds: 443.2),
            .init(.volume, .list, microseconds: 449.6, nanosecondsPerUnit: 11082.925),
        ],
        origin: "the program’s own table: measured on 2026-11-21 by `atoll compare --both`, release build, 2 virtual cores of an AMD EPYC "
            + "that other work used too; a report of --both has one’s own machine’s, see --costs")
}
