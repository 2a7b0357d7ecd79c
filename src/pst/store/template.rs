//! Columns of the tables, in the order in which Outlook lays them out. Each
//! table has the row id and the row version before these.

use crate::pst::ltp::Column;

#[rustfmt::skip]
pub const HIERARCHY: &[Column] = &[
    0x3001_001F, 0x3602_0003, 0x3603_0003, 0x360A_000B, 0x0E30_0102, 0x0E33_0014, 0x0E34_0102,
    0x0E38_0003, 0x3613_001F, 0x6635_0003, 0x6636_0003,
];
#[rustfmt::skip]
pub const CONTENTS: &[Column] = &[
    0x0E17_0003, 0x001A_001F, 0x0E07_0003, 0x0017_0003, 0x0042_001F, 0x0037_001F, 0x0E06_0040,
    0x0039_0040, 0x0E08_0003, 0x0E04_001F, 0x0E03_001F, 0x0057_000B, 0x0058_000B, 0x0036_0003,
    0x1097_0003, 0x0070_001F, 0x0071_0102, 0x3013_0102, 0x65C6_0003, 0x3008_0040, 0x0E30_0102,
    0x0E33_0014, 0x0E34_0102, 0x0E3D_0102, 0x0E3C_0102, 0x0E38_0003,
];
#[rustfmt::skip]
pub const ASSOCIATED: &[Column] = &[
    0x0E17_0003, 0x001A_001F, 0x0E07_0003, 0x3001_001F, 0x7003_0003, 0x7004_0102, 0x7005_0102,
    0x7006_001F, 0x7007_0003, 0x6800_001F, 0x6803_000B, 0x6805_1003, 0x682F_001F,
];
#[rustfmt::skip]
pub const SEARCH_CONTENTS: &[Column] = &[
    0x67F1_0003, 0x0E05_001F, 0x0E17_0003, 0x001A_001F, 0x0E07_0003, 0x0017_0003, 0x0042_001F,
    0x0037_001F, 0x0E06_0040, 0x0E08_0003, 0x0E04_001F, 0x0E03_001F, 0x0057_000B, 0x0058_000B,
    0x0036_0003, 0x0E2A_000B, 0x3008_0040,
];
pub const ATTACHMENTS: &[Column] = &[0x370B_0003, 0x0E20_0003, 0x3705_0003, 0x3704_001F];
#[rustfmt::skip]
pub const RECIPIENTS: &[Column] = &[
    0x0E0F_000B, 0x3002_001F, 0x3003_001F, 0x0FFF_0102, 0x3001_001F, 0x0C15_0003, 0x300B_0102,
    0x0FF9_0102, 0x0FFE_0003, 0x3900_0003, 0x3A40_000B, 0x39FF_001F,
];
pub const CHANGES: &[Column] = &[0x0E33_0014, 0x0E37_0102, 0x0E38_0003];
#[rustfmt::skip]
pub const REPLICATION: &[Column] = &[
    0x0E3E_0102, 0x0E31_0102, 0x0E30_0102, 0x0E38_0003, 0x0E34_0102, 0x0E33_0014, 0x001A_001F,
];
pub const CHANGE_TIMES: &[Column] = &[0x3007_0040, 0x0E33_0014];
pub const RECEIVE_FOLDERS: &[Column] = &[0x6605_0003, 0x001A_001F];
pub const OUTGOING: &[Column] = &[0x0E14_0003, 0x0E10_0003, 0x0039_0040];
