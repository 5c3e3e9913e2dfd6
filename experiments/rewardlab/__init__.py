"""The reward lab: which reward, and which way of learning from it, moves the business."""
